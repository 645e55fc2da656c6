/** Every code that a `SwarmlogsError` can carry. */
export type ErrorCode =
  | 'SWARMLOGS_USAGE'
  | 'SWARMLOGS_CONFIG'
  | 'SWARMLOGS_LOCKED'
  | 'SWARMLOGS_DOCKER_UNAVAILABLE'
  | 'SWARMLOGS_LOG_UNREADABLE'
  | 'SWARMLOGS_SERVER_UNAVAILABLE'
  | 'SWARMLOGS_UNAUTHORIZED'
  | 'SWARMLOGS_PROTOCOL'
  | 'SWARMLOGS_LIMIT'
  | 'SWARMLOGS_STORE_UNAVAILABLE'
  | 'SWARMLOGS_STORE_DAMAGED'
  | 'SWARMLOGS_STORE_NEWER'
  | 'SWARMLOGS_NOT_FOUND'

/** The one error class of the project: a stable code, a message that starts "cannot ..." and says what to do, and the cause. */
export class SwarmlogsError extends Error {
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'SwarmlogsError'
    this.code = code
  }
}
