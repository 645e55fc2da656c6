import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { ConnectionError } from 'fastify'
import type { ApiProblem } from '../shared/api/basics.ts'

const ANSWERS: Readonly<Record<string, readonly [status: number, message: string]>> = {
  HPE_HEADER_OVERFLOW: [431, 'cannot read an address and headers of over 16 KiB: send the parameters as JSON by POST'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'cannot wait longer for the rest of this request: send it faster, or in parts'],
}

/** Answers what is no request, in the form of all problems, and ends the connection. */
export function answerUnreadable(error: ConnectionError, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const [status, message] = ANSWERS[error.code ?? ''] ?? [400, 'cannot read this request: it is no HTTP']
  const body = JSON.stringify({ error: { code: 'bad_request', message } } satisfies ApiProblem)
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'Content-Type: application/json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`)
}
