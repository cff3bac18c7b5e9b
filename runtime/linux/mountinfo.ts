/** /proc/PID/mountinfo (proc_pid_mountinfo(5)). */

export interface MountInfo {
  readonly id: number;
  readonly parentId: number;
  /** `major:minor`. */
  readonly device: string;
  /** Path within the file system that is mounted. */
  readonly root: string;
  readonly mountPoint: string;
  readonly options: readonly string[];
  /** `shared:N`, `master:N`, `unbindable`. */
  readonly tags: readonly string[];
  readonly fsType: string;
  readonly source: string;
  readonly superOptions: readonly string[];
}

/** Parses mountinfo's text; a line that is not one is left out. */
export function parseMountInfo(text: string): MountInfo[] {
  return text
    .split('\n')
    .map(parseLine)
    .filter((entry) => entry !== undefined);
}

function parseLine(line: string): MountInfo | undefined {
  const separator = line.indexOf(' - ');
  if (separator < 0) return undefined;
  const [id, parentId, device, root, mountPoint, options, ...tags] = line.slice(0, separator).split(' ');
  const [fsType, source, superOptions] = line.slice(separator + 3).split(' ');
  if (options === undefined || fsType === undefined || source === undefined) return undefined;
  return {
    id: Number(id),
    parentId: Number(parentId),
    device: device ?? '',
    root: unescapeOctal(root ?? ''),
    mountPoint: unescapeOctal(mountPoint ?? ''),
    options: options.split(','),
    tags,
    fsType,
    source: unescapeOctal(source),
    superOptions: (superOptions ?? '').split(','),
  };
}

/** Space, tab, newline and backslash are written as `\040` and the like. */
function unescapeOctal(text: string): string {
  if (!text.includes('\\')) return text;
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}
