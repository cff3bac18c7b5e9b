/** A line of a CRI log: `2026-11-24T04:00:00.123456789Z stdout F content` (kubelet's pkg/kubelet/kuberuntime/logs). */

export interface LogLine {
  readonly time: string;
  readonly stream: 'stdout' | 'stderr';
  /** False for a piece of a line that goes on in the next one of the same stream. */
  readonly ends: boolean;
  readonly content: Buffer;
}

const SPACE = 0x20;

/** `line` is without its newline. undefined for what is not such a line. */
export function parseLogLine(line: Buffer): LogLine | undefined {
  const timeEnd = line.indexOf(SPACE);
  const streamEnd = line.indexOf(SPACE, timeEnd + 1);
  const tagsEnd = line.indexOf(SPACE, streamEnd + 1);
  if (timeEnd < 0 || streamEnd < 0 || tagsEnd < 0) return undefined;
  const stream = line.toString('latin1', timeEnd + 1, streamEnd);
  if (stream !== 'stdout' && stream !== 'stderr') return undefined;
  const tags = line.toString('latin1', streamEnd + 1, tagsEnd).split(':');
  return {
    time: line.toString('latin1', 0, timeEnd),
    stream,
    ends: tags[0] === 'F',
    content: line.subarray(tagsEnd + 1),
  };
}
