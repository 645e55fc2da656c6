import { hostname } from 'node:os'
import { serviceName } from './enrich.ts'
import type { FollowOptions } from './follow-options.ts'
import { isReadable, sendsTo, type Target } from './target.ts'

/** Label that marks swarmlogs' own containers (set on the image). */
const SELF_LABEL = 'org.swarmlogs.self'
const ENABLE_LABEL = 'swarmlogs.enable'

/** Decides which containers are to be followed, and reports once why others are not. */
export class Selection {
  readonly #options: FollowOptions
  readonly #warned = new Set<string>()

  constructor(options: FollowOptions) {
    this.#options = options
  }

  /** Whether the container's log is to be read, and can be; `leave`: not. */
  judge(target: Target): 'read' | 'unreadable' | 'leave' {
    const { includeSelf, ownForwardAddresses = [] } = this.#options
    if ((includeSelf !== true && isOurs(target)) || this.#isDisabled(target)) return 'leave'
    if (sendsTo(target, ownForwardAddresses)) {
      this.#reportElsewhere(target)
      return 'leave'
    }
    if (isReadable(target)) return 'read'
    this.reportUnreadable(target)
    return 'unreadable'
  }

  /** Says, once per service and driver, that a log cannot be read. */
  reportUnreadable(target: Target): void {
    const { log, status } = this.#options
    const { driver } = target
    const service = serviceName(target)
    status.unreadableContainers.set(target.id, { service, reason: driver })
    if (status.unreadable.get(service) === driver) return
    status.unreadable.set(service, driver)
    log.warn({ service, driver }, 'logs of this service cannot be read: its log driver does not support it')
  }

  #reportElsewhere(target: Target): void {
    const { log, status } = this.#options
    const service = serviceName(target)
    if (status.elsewhere.has(service)) return
    status.elsewhere.add(service)
    log.info({ service }, 'this service sends its lines to the server itself, they are not read from Docker')
  }

  #isDisabled(target: Target): boolean {
    const value = target.labels[ENABLE_LABEL]
    if (value === undefined || value === 'true' || value === '1') return false
    if (value === 'false' || value === '0') return true
    const service = serviceName(target)
    if (!this.#warned.has(service)) {
      this.#options.log.warn(
        { service, value },
        'label swarmlogs.enable is neither true nor false, the container is followed',
      )
    }
    this.#warned.add(service)
    return false
  }
}

/** Our own containers bear a label; the one that this process runs in has its id as host name, unless it was given another. */
function isOurs({ labels, id }: Target): boolean {
  const name = hostname()
  return labels[SELF_LABEL] === 'true' || (/^[0-9a-f]{12}$/.test(name) && id.startsWith(name))
}
