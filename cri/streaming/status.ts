/** How an exec or attach ended, as the error stream tells it: a metav1.Status since version 4, before that a text. */

import { messageOf } from '../../runtime/errors.js';

export interface Status {
  readonly metadata: Record<string, never>;
  readonly status: 'Success' | 'Failure';
  readonly message?: string;
  readonly reason?: string;
  readonly details?: { readonly causes: readonly { readonly reason: string; readonly message: string }[] };
  readonly code?: number;
}

/** The names are those that client-go looks for; exit codes are 0 to 255. */
export function exitStatus(exitCode: number): Status {
  if (exitCode === 0) return { metadata: {}, status: 'Success' };
  return {
    metadata: {},
    status: 'Failure',
    reason: 'NonZeroExitCode',
    message: `command terminated with non-zero exit code: exit status ${exitCode}`,
    details: { causes: [{ reason: 'ExitCode', message: String(exitCode) }] },
  };
}

/** The command could not be started, or was lost. */
export function failedStatus(attempt: string, error: unknown): Status {
  return {
    metadata: {},
    status: 'Failure',
    reason: 'InternalError',
    message: `Internal error occurred: ${attempt}: ${messageOf(error)}`,
    details: { causes: [{ reason: '', message: `${attempt}: ${messageOf(error)}` }] },
    code: 500,
  };
}

/** Bytes for the error stream; versions before 4 say nothing of success. */
export function encodeStatus(status: Status, asJson: boolean): Buffer {
  if (asJson) return Buffer.from(JSON.stringify(status));
  return Buffer.from(status.status === 'Success' ? '' : (status.message ?? status.status));
}
