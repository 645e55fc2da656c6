/** A container that the agent should follow, as the engine describes it. Never holds the container's environment. */
export interface Target {
  readonly id: string
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  /** The reference that it was created with. */
  readonly image: string
  readonly imageId: string
  readonly tty: boolean
  readonly running: boolean
  /** It has been started at least once. */
  readonly started: boolean
  /** It was seen being created: its log holds nothing that the agent has missed. */
  readonly fresh: boolean
  /** The signal that `docker stop` sends it, as a number or a name; '' for SIGTERM. */
  readonly stopSignal: string
  /** When it was made, when it was last started, when it last ended (0: not), nanoseconds since 1970. */
  readonly born: bigint
  readonly startedAt: bigint
  readonly endedAt: bigint
  readonly driver: string
  readonly driverOptions: Readonly<Record<string, string>>
}

/** What the agent knows of the node that its engine runs on. */
export interface NodeIdentity {
  /** Swarm node id; outside a Swarm the engine's own id. */
  readonly id: string
  readonly name: string
  /** The Swarm's id, which only managers know; else ''. */
  readonly cluster: string
}

/** Drivers whose logs the engine reads back itself; of the others it keeps a copy, unless told not to. */
const READABLE = new Set(['json-file', 'local', 'journald'])

/** Whether the engine can be asked for the container's log. */
export function isReadable({ driver, driverOptions }: Target): boolean {
  if (READABLE.has(driver)) return true
  return driver !== 'none' && !/^(1|t|true)$/i.test(driverOptions['cache-disabled'] ?? '')
}

/** Size at which the engine rotates the container's log, and then deletes the oldest file; undefined: it never does. */
export function logFileBytes({ driver, driverOptions }: Target): number | undefined {
  if (driver === 'json-file') return parseBytes(driverOptions['max-size'])
  // The copies that the engine keeps for other drivers are logs of the local driver.
  const size = driver === 'local' ? driverOptions['max-size'] : driverOptions['cache-max-size']
  return parseBytes(size) ?? LOCAL_FILE_BYTES
}

/** Whether the engine writes attributes of the container to each line of its log, at its driver's options. */
export function logHasAttributes({ driverOptions }: Target): boolean {
  return Object.keys(driverOptions).some((option) => /^(labels|env|tag)/.test(option))
}

/** How many files of a log the engine keeps when it rotates it. */
export function logFiles({ driver, driverOptions }: Target): number {
  const isCopy = driver !== 'json-file' && driver !== 'local'
  const count = Number(driverOptions[isCopy ? 'cache-max-file' : 'max-file'])
  return count > 0 ? count : driver === 'json-file' ? 1 : LOCAL_FILES
}

/** Why the log driver may lose lines by itself, without a trace; '': it does not. */
export function lossOf({ driver, driverOptions }: Target): string {
  if (driverOptions.mode === 'non-blocking') return 'mode=non-blocking'
  return READABLE.has(driver) ? '' : `copy of what ${driver} sends`
}

const LOCAL_FILES = 5
const LOCAL_FILE_BYTES = 20 * 1024 * 1024

/** Reads Docker's sizes: `10k`, `20m`, `1g`, a plain number; undefined when there is no limit. */
function parseBytes(text = ''): number | undefined {
  const [, digits = '', unit = ''] = /^(\d+(?:\.\d+)?)\s*([kmgt]?)i?b?$/i.exec(text) ?? []
  const bytes = Number(digits) * 1024 ** ' kmgt'.indexOf(unit.toLowerCase() || ' ')
  return bytes > 0 ? bytes : undefined
}

/** Whether the container's own log driver sends to one of the addresses (`host:port`). */
export function sendsTo({ driver, driverOptions }: Target, addresses: readonly string[]): boolean {
  if (driver !== 'fluentd') return false
  const address = forwardAddress(driverOptions['fluentd-address'] ?? '')
  return addresses.some((own) => forwardAddress(own) === address)
}

/** `host:port` in one form: without scheme, default port filled in, every name of the loopback alike; the unspecified address leads there too. */
function forwardAddress(text: string): string {
  const bare = text.replace(/^(tcp|tls):\/\//i, '').toLowerCase()
  const [, host = '', port = ''] = /^(\[[^\]]*\]|[^:]*)(?::(\d+))?$/.exec(bare) ?? [undefined, bare]
  const isLoopback = /^(localhost|127(\.\d+){3}|0\.0\.0\.0|\[::1?\]|)$/.test(host)
  return `${isLoopback ? 'localhost' : host}:${port || '24224'}`
}
