import type { IncomingMessage } from 'node:http'
import type { ApiEnd, ApiTrailer } from '../shared/api/answers.ts'
import type { ApiProblem } from '../shared/api/basics.ts'
import { SwarmlogsError } from '../shared/errors.ts'
import type { Client } from './client.ts'
import type { Sink } from './follow.ts'
import { Demux } from './output/demux.ts'
import type { Matching } from './output/matching.ts'
import type { MissingNotes } from './output/missing.ts'
import type { Printer } from './output/printer.ts'
import { say } from './output/say.ts'
import type { Form } from './question.ts'

const NEWLINE = 0x0a
const ACCEPT: Readonly<Record<Form, string>> = {
  text: 'application/vnd.docker.multiplexed-stream;trailer=completeness',
  json: 'application/x-ndjson;with=annotations',
}

/** Asks for what is stored; its headers are there, its body is still to be printed. */
export function ask(client: Client, form: Form, params: URLSearchParams): Promise<IncomingMessage> {
  return client.get('api/v1/search', { accept: ACCEPT[form], params })
}

/** Prints an answer to its end, after saying on stderr what its headers tell about it. */
export async function printAnswer(
  client: Client,
  form: Form,
  response: IncomingMessage,
  output: Output,
  targets: readonly string[],
): Promise<void> {
  sayHeaders(response, targets)
  const pieces = client.body(response)
  await (form === 'json' ? printRecords(pieces, output) : printFrames(pieces, output))
}

/** Where lines go, and what is said of those that are missing. */
export interface Output {
  readonly printer: Printer
  readonly notes: MissingNotes
  /** Which lines are left out, and what is marked in them. */
  readonly matching: Matching | undefined
  /** Is told of tasks that come and go while lines are followed. */
  readonly onTask?: NonNullable<Sink['onTask']>
  /** Shows what is left, waits for the pager, and takes account of what was found. */
  close(): Promise<void>
}

/** stdout and stderr of the containers go to stdout and stderr. Throws at an error frame, after all lines before it. */
async function printFrames(pieces: AsyncIterable<Buffer>, output: Output): Promise<void> {
  const { printer, notes } = output
  const demux = new Demux()
  for await (const piece of pieces) {
    for (const { type, bytes } of demux.push(piece)) await printer.print(type === 2 ? 'stderr' : 'stdout', bytes)
  }
  await output.close()
  demux.end()
  // A server that is older says nothing.
  if (demux.trailer === '') return
  const { completeness, gaps, annotations = [], stopped }: ApiTrailer = JSON.parse(demux.trailer)
  for (const one of annotations) notes.annotation(one)
  for (const gap of gaps) notes.gap(gap)
  notes.stopped(stopped)
  notes.verdict(completeness)
}

/** Prints one record (or gap) a line; the last line says how the answer ended, and is held back. */
async function printRecords(pieces: AsyncIterable<Buffer>, output: Output): Promise<void> {
  const { printer, notes } = output
  let held: Buffer = Buffer.alloc(0)
  for await (const piece of pieces) {
    const bytes = held.length === 0 ? piece : Buffer.concat([held, piece])
    const end = bytes.lastIndexOf(NEWLINE)
    const lastLine = end <= 0 ? 0 : bytes.lastIndexOf(NEWLINE, end - 1) + 1
    await printer.print('stdout', bytes.subarray(0, lastLine))
    held = bytes.subarray(lastLine)
  }
  await output.close()
  const { completeness, stopped } = checkEnd(held.toString())
  notes.stopped(stopped)
  if (completeness !== undefined) notes.verdict(completeness)
}

function checkEnd(text: string): Partial<ApiEnd> {
  const message = 'cannot show all lines: the answer ended too early; ask again'
  let last: Partial<ApiEnd & ApiProblem>
  try {
    last = JSON.parse(text)
  } catch (cause) {
    throw new SwarmlogsError('SWARMLOGS_PROTOCOL', message, { cause })
  }
  if (last.error !== undefined) throw new SwarmlogsError('SWARMLOGS_STORE_UNAVAILABLE', last.error.message)
  if (last.end !== true) throw new SwarmlogsError('SWARMLOGS_PROTOCOL', message)
  return last
}

function sayHeaders({ headers }: IncomingMessage, targets: readonly string[]): void {
  const { 'swarmlogs-targets': widened, 'swarmlogs-begins': begins } = headers
  if (typeof widened === 'string') {
    say(`${targets.join(', ')}: ${widened.split(',').map(decodeName).join(', ')}`)
  }
  if (typeof begins === 'string') say(`the store begins at ${begins}: nothing older is kept`)
}

function decodeName(name: string): string {
  try {
    return decodeURIComponent(name)
  } catch {
    return name
  }
}
