/** The part of a pino logger that crib's rooms use; handed in from outside. */

type Write = (fields: Record<string, unknown>, message: string) => void;

export interface Log {
  readonly debug: Write;
  readonly info: Write;
  readonly warn: Write;
  readonly error: Write;
}
