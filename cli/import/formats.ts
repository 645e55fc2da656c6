import { SwarmlogsError } from '../../shared/errors.ts'
import { STREAM_FIELDS } from '../../shared/fields.ts'
import { Csv } from './csv.ts'

/** A line as the server's ingest takes it. */
export type IngestLine = Readonly<Record<string, unknown>>

/** Reads the lines of one format. */
export interface LineFormat {
  /** What a line of the file is to the server; undefined: nothing yet, or nothing at all. Throws SWARMLOGS_USAGE. */
  push(line: string): IngestLine | undefined
  /** What is left at the end. */
  end(): IngestLine | undefined
}

/** The formats by their names. */
export const FORMATS = ['ndjson', 'json-file', 'service-logs', 'docker-logs', 'csv'] as const
export type FormatName = (typeof FORMATS)[number]

/** TIME NAME.SLOT.TASK@NODE    | MESSAGE, as `docker service logs -t` and `swarmlogs logs -t` print. */
const SERVICE_LINE = /^(\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)) (\S+)\.(\d+)\.([0-9a-z]+)@(\S+) +\| (.*)$/s
/** TIME MESSAGE, as `docker logs -t` prints. */
const DOCKER_LINE = /^(\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)) (.*)$/s
/** Docker's log files are named by the container. */
const CONTAINER_FILE = /([0-9a-f]{64})-json\.log/

/** Tells the format of a file by one of its lines. Throws SWARMLOGS_USAGE. */
export function formatOf(line: string): FormatName {
  if (SERVICE_LINE.test(line)) return 'service-logs'
  if (DOCKER_LINE.test(line)) return 'docker-logs'
  if (/^"?time"?,/.test(line)) return 'csv'
  const object = objectOf(line)
  if (object === undefined) {
    const message = `cannot tell what this is: '${line.slice(0, 60)}'; say it by --format ${FORMATS.join(', ')}`
    throw new SwarmlogsError('SWARMLOGS_USAGE', message)
  }
  return typeof object.log === 'string' && typeof object.time === 'string' ? 'json-file' : 'ndjson'
}

/** Makes what reads a format; `path` may tell the container. */
export function lineFormat(name: FormatName, path: string): LineFormat {
  if (name === 'json-file') return new JsonFile(CONTAINER_FILE.exec(path)?.[1] ?? '')
  if (name === 'csv') return new Csv()
  if (name === 'service-logs') return perLine(serviceLine)
  if (name === 'docker-logs') return perLine(dockerLine)
  return perLine(jsonLine)
}

function perLine(read: (line: string) => IngestLine | undefined): LineFormat {
  return { push: (line) => (line.trim() === '' ? undefined : read(line)), end: () => undefined }
}

/** Docker's own log file; it cuts lines at 16 KiB, of which only the last part ends in a newline. */
class JsonFile implements LineFormat {
  readonly #container: string
  readonly #held = new Map<string, { time: string; text: string }>()

  constructor(container: string) {
    this.#container = container
  }

  push(line: string): IngestLine | undefined {
    if (line.trim() === '') return undefined
    const { log, stream = 'stdout', time } = objectOf(line) ?? {}
    if (typeof log !== 'string' || typeof time !== 'string' || typeof stream !== 'string')
      throw notOf('json-file', line)
    const held = this.#held.get(stream)
    const text = (held?.text ?? '') + log
    // A line has the time of its first part, as the engine's API gives it.
    const whole = { time: held?.time ?? time, text }
    if (!log.endsWith('\n')) {
      this.#held.set(stream, whole)
      return undefined
    }
    this.#held.delete(stream)
    return this.#lineOf(stream, { ...whole, text: text.slice(0, -1) })
  }

  end(): IngestLine | undefined {
    for (const [stream, whole] of this.#held) {
      this.#held.delete(stream)
      return this.#lineOf(stream, whole)
    }
    return undefined
  }

  #lineOf(source: string, { time, text }: { time: string; text: string }): IngestLine {
    const container = this.#container === '' ? {} : { 'container.id': this.#container }
    return { '@timestamp': time, message: text, 'log.iostream': source, ...container }
  }
}

function serviceLine(line: string): IngestLine {
  const [, time, service = '', slot = '0', task = '', node, message] = SERVICE_LINE.exec(line) ?? []
  if (time === undefined) throw notOf('service-logs', line)
  const labels = {
    'service.name': service,
    'docker.swarm.task.slot': Number(slot),
    'docker.swarm.task.id': task,
    'host.name': node,
  }
  return { '@timestamp': time, message, ...labels, 'docker.swarm.task.name': `${service}.${slot}.${task}` }
}

function dockerLine(line: string): IngestLine {
  const [, time, message] = DOCKER_LINE.exec(line) ?? []
  if (time === undefined) throw notOf('docker-logs', line)
  return { '@timestamp': time, message }
}

/** What swarmlogs wrote: its fields are found in the line again, and what it told between lines is none. Anything else goes as it is. */
function jsonLine(line: string): IngestLine | undefined {
  const object = objectOf(line)
  if (object === undefined) throw notOf('ndjson', line)
  const [only, ...others] = Object.keys(object)
  if (others.length === 0 && (only === 'gap' || only === 'annotation')) return undefined
  if (typeof object['@timestamp'] !== 'string' || typeof object['log.iostream'] !== 'string') return object
  const kept = ['@timestamp', 'message', 'log.iostream', ...Object.keys(STREAM_FIELDS)]
  return Object.fromEntries(kept.flatMap((name) => (object[name] === undefined ? [] : [[name, object[name]]])))
}

function objectOf(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined
  } catch {
    return undefined
  }
}

function notOf(format: FormatName, line: string): SwarmlogsError {
  return new SwarmlogsError('SWARMLOGS_USAGE', `cannot read a line as ${format}: '${line.slice(0, 60)}'`)
}
