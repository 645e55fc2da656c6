import type { PrintedRun } from '../store/store.ts'

const HEAD_BYTES = 8
const CHUNK_BYTES = 256 * 1024
const MAX_UTF8_BYTES = 3
const TYPES = { stdout: 1, stderr: 2, error: 3, trailer: 4 } as const

/** Packs printed lines into chunks of Docker's multiplexed stream: each frame is a type, three zeros, a 32-bit length and the text. */
export class FramePacker {
  #chunk = Buffer.allocUnsafe(CHUNK_BYTES)
  #end = 0

  /** Adds a run; returns the chunks that are full. */
  add({ source, text }: PrintedRun | { source: 'error' | 'trailer'; text: string }): Buffer[] {
    const worst = HEAD_BYTES + text.length * MAX_UTF8_BYTES
    const full = this.#end + worst > CHUNK_BYTES ? this.flush() : []
    // Measuring a text costs as much as writing it; only what may not fit the chunk is measured.
    if (worst > CHUNK_BYTES) return [...full, frameOf(TYPES[source], text)]
    const bytes = this.#chunk.write(text, this.#end + HEAD_BYTES)
    writeHead(this.#chunk, this.#end, TYPES[source], bytes)
    this.#end += HEAD_BYTES + bytes
    return full
  }

  /** Returns what has not been returned yet. */
  flush(): Buffer[] {
    if (this.#end === 0) return []
    const chunk = this.#chunk.subarray(0, this.#end)
    this.#chunk = Buffer.allocUnsafe(CHUNK_BYTES)
    this.#end = 0
    return [chunk]
  }
}

function frameOf(type: number, text: string): Buffer {
  const bytes = Buffer.byteLength(text)
  const frame = Buffer.allocUnsafe(HEAD_BYTES + bytes)
  writeHead(frame, 0, type, bytes)
  frame.write(text, HEAD_BYTES)
  return frame
}

function writeHead(buffer: Buffer, at: number, type: number, bytes: number): void {
  buffer.writeUInt32BE(type << 24, at)
  buffer.writeUInt32BE(bytes, at + 4)
}
