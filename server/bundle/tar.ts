import { createHash } from 'node:crypto'
import { type FileHandle, open } from 'node:fs/promises'
import { SwarmlogsError } from '../../shared/errors.ts'

const BLOCK = 512
const NAME_BYTES = 100
const HEADS_BYTES = 64 * 1024
const COPY_BYTES = 1024 * 1024
/** Eleven octal digits; larger sizes are written in binary, as GNU tar does. */
const MAX_OCTAL = 8 ** 11 - 1
const BINARY = 0x80
/** More than those of a hundred thousand files of lines. */
const MAX_MEMBERS = 100_100

/** One file in a tar archive. */
export interface TarMember {
  readonly name: string
  readonly bytes: number
  /** Where its content begins in the archive. */
  readonly at: number
}

/** Writes an uncompressed tar archive (ustar) of plain files, one after the other. */
export class TarWriter {
  readonly #file: FileHandle
  readonly #seconds: number

  /** @param seconds since 1970: the time of all members. */
  constructor(file: FileHandle, seconds: number) {
    this.#file = file
    this.#seconds = seconds
  }

  /** Adds a file of which the size is known. Throws when the pieces have another one. */
  async add(name: string, bytes: number, pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<void> {
    for await (const piece of tarMember(name, bytes, this.#seconds, pieces)) await this.#write(piece)
  }

  /** Ends the archive and makes it survive a power cut. */
  async end(): Promise<void> {
    await this.#write(TAR_END)
    await this.#file.sync()
  }

  async #write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; ) at += (await this.#file.write(bytes, at)).bytesWritten
  }
}

/** What stands at the end of an archive. */
export const TAR_END: Uint8Array = Buffer.alloc(2 * BLOCK)

/** How many bytes of an archive a file takes. */
export function tarBytes(bytes: number): number {
  return BLOCK + bytes + padding(bytes)
}

/** The bytes that a file is in an archive. Throws when the pieces have another size. */
export async function* tarMember(
  name: string,
  bytes: number,
  seconds: number,
  pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  yield headOf(name, bytes, seconds)
  let written = 0
  for await (const piece of pieces) {
    written += piece.length
    yield piece
  }
  if (written !== bytes) throw new Error(`BUG: ${name} has ${written} bytes, not ${bytes}`)
  yield Buffer.alloc(padding(bytes))
}

/**
 * Lists the members of a tar archive by its heads alone. Throws SWARMLOGS_STORE_DAMAGED at what is none, at anything but a plain file, at a
 * name that is not wanted or comes twice, at a content that reaches beyond the file, and at more members than any bundle has.
 */
export async function readTar(
  path: string,
  isWanted: (name: string) => boolean,
  wrong: Wrong = damaged,
): Promise<TarMember[]> {
  const file = await open(path, 'r')
  try {
    const { size } = await file.stat()
    const members = new Map<string, TarMember>()
    const heads = new Heads(file)
    for (let at = 0; at + BLOCK <= size; ) {
      const head = await heads.at(at)
      if (head.every((byte) => byte === 0)) return [...members.values()]
      const { name, bytes } = readHead(head, wrong)
      const member = { name, bytes, at: at + BLOCK }
      if (!isWanted(name)) throw wrong(`it has a member '${printable(name)}', which is none of ours`)
      if (members.size >= MAX_MEMBERS) throw wrong('it has more members than any of ours')
      if (members.has(name)) throw wrong(`it has '${name}' twice`)
      if (member.at + bytes > size) throw wrong(`'${name}' is cut off`)
      members.set(name, member)
      at = member.at + bytes + padding(bytes)
    }
    throw wrong('its end is missing')
  } finally {
    await file.close()
  }
}

/** Reads heads; of small members, many at a time. */
class Heads {
  readonly #file: FileHandle
  readonly #piece = Buffer.alloc(HEADS_BYTES)
  #from = 0
  #to = 0

  constructor(file: FileHandle) {
    this.#file = file
  }

  async at(at: number): Promise<Buffer> {
    if (at < this.#from || at + BLOCK > this.#to) {
      const { bytesRead } = await this.#file.read(this.#piece, 0, HEADS_BYTES, at)
      if (bytesRead < BLOCK) throw damaged('it became shorter while it was read')
      this.#from = at
      this.#to = at + bytesRead
    }
    return this.#piece.subarray(at - this.#from, at - this.#from + BLOCK)
  }
}

/** The content of a member, piece by piece. */
export async function* contentOf(file: FileHandle, { at, bytes }: TarMember): AsyncGenerator<Buffer> {
  for (let done = 0; done < bytes; ) {
    const piece = Buffer.allocUnsafe(Math.min(COPY_BYTES, bytes - done))
    const { bytesRead } = await file.read(piece, 0, piece.length, at + done)
    if (bytesRead === 0) throw damaged('it became shorter while it was read')
    done += bytesRead
    yield piece.subarray(0, bytesRead)
  }
}

/** What is wrong with a member that should have this size and sha256, or ''; its pieces are handed on as they are read. */
export async function checkMember(
  file: FileHandle,
  held: TarMember | undefined,
  { bytes, sha256 }: { readonly bytes: number; readonly sha256: string },
  onPiece: (piece: Buffer) => Promise<void>,
): Promise<string> {
  if (held === undefined) return 'it is missing'
  if (held.bytes !== bytes) return `it has ${held.bytes} bytes, not ${bytes}`
  const sum = createHash('sha256')
  for await (const piece of contentOf(file, held)) {
    sum.update(piece)
    await onPiece(piece)
  }
  return sum.digest('hex') === sha256 ? '' : 'its content is not what was saved'
}

/** Makes the error about an archive that cannot be used. */
export type Wrong = (why: string, cause?: unknown) => SwarmlogsError

/** The error of a file that is no whole bundle. */
export function damaged(why: string, cause?: unknown): SwarmlogsError {
  const options = cause === undefined ? undefined : { cause }
  return new SwarmlogsError(
    'SWARMLOGS_STORE_DAMAGED',
    `cannot use this bundle: ${why}; get it again from where it was saved`,
    options,
  )
}

function headOf(name: string, bytes: number, seconds: number): Buffer {
  if (Buffer.byteLength(name) >= NAME_BYTES) throw new Error(`BUG: ${name} does not fit in a tar`)
  const head = Buffer.alloc(BLOCK)
  head.write(name, 0)
  head.write('0000644\0', 100)
  head.write('0000000\0', 108)
  head.write('0000000\0', 116)
  if (bytes <= MAX_OCTAL) {
    head.write(`${bytes.toString(8).padStart(11, '0')}\0`, 124)
  } else {
    head[124] = BINARY
    head.writeBigUInt64BE(BigInt(bytes), 128)
  }
  head.write(`${seconds.toString(8).padStart(11, '0')}\0`, 136)
  head.write('0', 156)
  head.write('ustar\0', 257)
  head.write('00', 263)
  head.write(`${checksum(head).toString(8).padStart(6, '0')}\0 `, 148)
  return head
}

function readHead(head: Buffer, wrong: Wrong): { name: string; bytes: number } {
  if (head.toString('latin1', 257, 262) !== 'ustar' || octal(head, 148, 8) !== checksum(head)) {
    throw wrong('it is no tar archive, or a head in it is damaged')
  }
  const name = text(head, 0, NAME_BYTES)
  const type = String.fromCharCode(head[156] ?? 0)
  if ((type !== '0' && type !== '\0') || text(head, 345, 155) !== '' || text(head, 157, NAME_BYTES) !== '') {
    throw wrong(`'${printable(name)}' in it is no plain file`)
  }
  const bytes = sizeOf(head)
  if (!Number.isSafeInteger(bytes) || bytes < 0) throw wrong(`'${printable(name)}' in it has no size`)
  return { name, bytes }
}

/** The sum of all bytes, those of the sum itself taken as spaces. */
function checksum(head: Buffer): number {
  let sum = 8 * 32
  for (const [index, byte] of head.entries()) if (index < 148 || index >= 156) sum += byte
  return sum
}

function sizeOf(head: Buffer): number {
  return head[124] === BINARY ? Number(head.readBigUInt64BE(128)) : octal(head, 124, 12)
}

function text(head: Buffer, at: number, length: number): string {
  const bytes = head.subarray(at, at + length)
  const end = bytes.indexOf(0)
  return bytes.toString('utf8', 0, end < 0 ? length : end)
}

function octal(head: Buffer, at: number, length: number): number {
  const digits = text(head, at, length).trim()
  return /^[0-7]+$/.test(digits) ? Number.parseInt(digits, 8) : Number.NaN
}

function padding(bytes: number): number {
  return (BLOCK - (bytes % BLOCK)) % BLOCK
}

function printable(name: string): string {
  return JSON.stringify(name.slice(0, 100)).slice(1, -1)
}

/** Opens a file to be read. Throws SWARMLOGS_USAGE when it is none. @param what as messages name it */
export async function openTar(path: string, what: string): Promise<FileHandle> {
  try {
    const file = await open(path, 'r')
    if ((await file.stat()).isFile()) return file
    await file.close()
    throw new Error('it is no file')
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new SwarmlogsError('SWARMLOGS_USAGE', `cannot open the ${what} '${path}': ${reason}`, { cause })
  }
}
