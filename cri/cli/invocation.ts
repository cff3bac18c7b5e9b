/** What every command is told, whichever it is. */
export interface Invocation {
  /** Address of the daemon's CRI socket; undefined: the configuration's. */
  readonly connect: string | undefined;
  readonly configFile: string | undefined;
  readonly json: boolean;
}
