import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'

const MAIN = fileURLToPath(new URL('../../cli/main.ts', import.meta.url))

/** One frame of Docker's multiplexed stream. */
export function frame(type: number, text: string | Buffer): Buffer {
  const payload = Buffer.from(text as string)
  const header = Buffer.alloc(8)
  header.writeUInt8(type, 0)
  header.writeUInt32BE(payload.length, 4)
  return Buffer.concat([header, payload])
}

/** What one request is answered with. */
export type Answer = (response: ServerResponse, request: IncomingMessage) => void

/** An HTTP server that answers each request as scripted, in order; the last answer is given to all further ones. */
export class ScriptedServer {
  readonly requests: { url: URL; headers: IncomingMessage['headers'] }[] = []
  readonly #server = createServer((request, response) => this.#answer(request, response))
  #answers: Answer[] = []
  #port = 0

  get url(): string {
    return `http://127.0.0.1:${this.#port}`
  }

  async start(): Promise<void> {
    this.#server.listen(this.#port, '127.0.0.1')
    await once(this.#server, 'listening')
    this.#port = (this.#server.address() as AddressInfo).port
  }

  async stop(): Promise<void> {
    this.#server.close()
    this.#server.closeAllConnections()
    if (this.#server.listening) await once(this.#server, 'close')
  }

  script(...answers: Answer[]): void {
    this.requests.length = 0
    this.#answers = answers
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    this.requests.push({ url: new URL(request.url ?? '/', this.url), headers: request.headers })
    const answer = this.#answers.length > 1 ? this.#answers.shift() : this.#answers[0]
    if (answer === undefined) response.writeHead(500).end()
    else answer(response, request)
  }
}

/** Answers with frames of Docker's multiplexed stream. */
export function frames(list: readonly Buffer[], headers: Record<string, string> = {}): Answer {
  return (response) => {
    response.writeHead(200, { 'content-type': 'application/vnd.docker.multiplexed-stream', ...headers })
    response.end(Buffer.concat(list))
  }
}

/** Answers with a status and JSON. */
export function json(status: number, body: unknown): Answer {
  return (response) => {
    response.writeHead(status, { 'content-type': 'application/json' })
    response.end(JSON.stringify(body))
  }
}

/** Answers with events; the connection stays open unless `ends`. */
export function events(text: string, ends = false): Answer {
  return (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write(text)
    if (ends) response.end()
  }
}

/** A running CLI. */
export interface Cli {
  readonly child: ChildProcess
  readonly stdout: () => string
  readonly stderr: () => string
  /** Resolves when the text has been written to stdout or stderr. */
  until(text: string): Promise<void>
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null; stdout: string; stderr: string }>
}

/** Starts the CLI from its sources, with nothing of this environment but PATH. Text is latin1, so that bytes can be compared. */
export function startCli(args: readonly string[], env: Record<string, string> = {}): Cli {
  const child = spawn(process.execPath, [MAIN, ...args], {
    env: { PATH: process.env.PATH, HOME: '/nonexistent', TZ: 'Europe/Berlin', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const texts = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].on('data', (bytes: Buffer) => {
      texts[name] += bytes.toString('latin1')
      child.emit('progress')
    })
  }
  const ended = once(child, 'close').then(([code, signal]) => ({ code, signal, ...texts }))
  return {
    child,
    stdout: () => texts.stdout,
    stderr: () => texts.stderr,
    ended,
    until: async (text) => {
      const isDone = new AbortController()
      const early = ended.then(({ code, stdout, stderr }) => {
        if (!isDone.signal.aborted) throw new Error(`ended with ${code} before '${text}': ${stdout}\n${stderr}`)
      })
      while (!`${texts.stdout}\n${texts.stderr}`.includes(text)) await Promise.race([once(child, 'progress'), early])
      isDone.abort()
      early.catch(() => {})
    },
  }
}

/** Runs the CLI to its end. */
export function runCli(args: readonly string[], env: Record<string, string> = {}): Cli['ended'] {
  return startCli(args, env).ended
}

/** Runs a line of bash, in which $SWARMLOGS is the CLI, asking the server at `url`. */
export async function shell(
  command: string,
  url: string,
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const env = { PATH: process.env.PATH, SWARMLOGS: `${process.execPath} ${MAIN}`, SWARMLOGS_URL: url }
  const child = spawn('bash', ['-c', command], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  const texts = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].on('data', (bytes: Buffer) => {
      texts[name] += bytes.toString()
    })
  }
  const [code] = await once(child, 'close')
  return { code, ...texts }
}
