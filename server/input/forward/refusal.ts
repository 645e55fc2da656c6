import { SwarmlogsError } from '../../../shared/errors.ts'

/** Why a frame, a record or a connection was not taken; the label of the `rejected` counter. */
export type Reason =
  | 'not-msgpack'
  | 'frame-size'
  | 'frame-depth'
  | 'frame-shape'
  | 'frame-timeout'
  | 'checksum'
  | 'chunk'
  | 'compression'
  | 'inflation'
  | 'login'
  | 'login-timeout'
  | 'tls'
  | 'connections'
  | 'format'
  | 'tag'
  | 'signal'
  | 'entry'
  | 'entry-limit'
  | 'entry-count'
  | 'store'
  | 'ack-backlog'
  | 'socket'

/** Something from the wire that is not taken, and why; it concerns a record where the reason starts with `entry`, else the connection. */
export class Refusal extends SwarmlogsError {
  readonly reason: Reason

  constructor(reason: Reason, message: string, options?: ErrorOptions) {
    super(
      reason.endsWith('size') || reason.endsWith('depth') ? 'SWARMLOGS_LIMIT' : 'SWARMLOGS_PROTOCOL',
      message,
      options,
    )
    this.reason = reason
  }
}
