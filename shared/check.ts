/** Of what a check is: the server as its clients see it, its port for agents, this machine's Docker, all nodes. */
export type CheckPart = 'server' | 'forward' | 'docker' | 'cluster'

/** How a check ended; `skipped`: there was nothing to check, or what came before it failed. */
export type CheckState = 'ok' | 'warning' | 'failed' | 'skipped'

/** One thing that was looked at. */
export interface Check {
  readonly part: CheckPart
  /** What was looked at, in a word: constant, for scripts. */
  readonly name: string
  readonly state: CheckState
  /** What was found. */
  readonly text: string
  /** What to do about it, when it is not ok. */
  readonly remedy?: string
}
