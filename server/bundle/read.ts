import { hash } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import { SwarmlogsError } from '../../shared/errors.ts'
import type { Gap } from '../../shared/gap.ts'
import { gapOf } from '../store/gap-text.ts'
import { PARQUET_FORMAT } from '../store/open.ts'
import type { Knowledge } from './knowledge.ts'
import {
  BUNDLE_FORMAT,
  isMemberName,
  isPlainName,
  MANIFEST,
  type Manifest,
  MEMBERS,
  type Member,
  parseManifest,
} from './manifest.ts'
import { checkMember, contentOf, damaged, openTar, readTar, type TarMember } from './tar.ts'

/** What is read into memory as a whole is no longer than that: far more than it ever is. */
const MAX_TEXT_BYTES = 256 * 1024 * 1024

/** An open bundle. What is in it is not checked yet but for its manifest. */
export class Bundle {
  readonly path: string
  readonly manifest: Manifest
  /** The sha256 of the manifest, which has that of all else. */
  readonly fingerprint: string
  readonly #file: FileHandle
  readonly #members: ReadonlyMap<string, TarMember>

  private constructor(path: string, file: FileHandle, members: ReadonlyMap<string, TarMember>, text: string) {
    this.path = path
    this.#file = file
    this.#members = members
    this.manifest = parseManifest(text, mustNotBeNewer)
    this.fingerprint = hash('sha256', text)
  }

  /** Opens a bundle. Throws SWARMLOGS_USAGE, _STORE_DAMAGED, _STORE_NEWER. The caller must close it. */
  static async open(path: string): Promise<Bundle> {
    const file = await openTar(path, 'bundle')
    try {
      const members = new Map((await readTar(path, isPlainName)).map((member) => [member.name, member]))
      const manifest = members.get(MANIFEST)
      if (manifest === undefined) throw damaged('it has no manifest')
      const bundle = new Bundle(path, file, members, await textOf(file, manifest))
      const unknown = [...members.keys()].find((name) => !isMemberName(name))
      if (unknown !== undefined) throw damaged(`it has a member '${unknown}', which no bundle has`)
      return bundle
    } catch (error) {
      await file.close()
      throw error
    }
  }

  /** Members of the archive that the manifest does not tell of. */
  get strangers(): string[] {
    const known = new Set(this.manifest.members.map(({ name }) => name))
    return [...this.#members.keys()].filter((name) => name !== MANIFEST && !known.has(name))
  }

  /** What is wrong with a member, or ''; its pieces are handed on as they are read. */
  async check(member: Member, onPiece: (piece: Buffer) => Promise<void> = async () => {}): Promise<string> {
    return checkMember(this.#file, this.#members.get(member.name), member, onPiece)
  }

  /** Reads a member as text. Throws SWARMLOGS_STORE_DAMAGED when it is not what was saved. */
  async text(name: string): Promise<string> {
    const member = this.manifest.members.find((one) => one.name === name)
    if (member === undefined) throw damaged(`${name} is missing`)
    if (member.bytes > MAX_TEXT_BYTES) throw damaged(`${name} is larger than any of swarmlogs`)
    const pieces: Buffer[] = []
    const wrong = await this.check(member, async (piece) => void pieces.push(piece))
    if (wrong !== '') throw damaged(`${name}: ${wrong}`)
    return Buffer.concat(pieces).toString()
  }

  async knowledge(): Promise<Knowledge> {
    return ofJson(MEMBERS.knowledge, await this.text(MEMBERS.knowledge), (text) => JSON.parse(text))
  }

  async gaps(): Promise<Gap[]> {
    return ofJson(MEMBERS.gaps, await this.text(MEMBERS.gaps), (text) => linesOf(text).map(gapOf))
  }

  async close(): Promise<void> {
    await this.#file.close()
  }
}

/** The lines of a text, but for the empty ones. */
export function linesOf(text: string): string[] {
  return text.split('\n').filter((line) => line !== '')
}

function ofJson<T>(name: string, text: string, read: (text: string) => T): T {
  try {
    return read(text)
  } catch (cause) {
    throw damaged(`${name} cannot be read`, cause)
  }
}

async function textOf(file: FileHandle, member: TarMember): Promise<string> {
  if (member.bytes > MAX_TEXT_BYTES) throw damaged(`${member.name} is larger than any of swarmlogs`)
  const pieces: Buffer[] = []
  for await (const piece of contentOf(file, member)) pieces.push(piece)
  return Buffer.concat(pieces).toString()
}

function mustNotBeNewer({ format, parquet, version }: Manifest): void {
  if (!(format > BUNDLE_FORMAT || parquet > PARQUET_FORMAT)) return
  const message = `cannot use this bundle: swarmlogs ${version} saved it, in a newer format; use that version or a newer one`
  throw new SwarmlogsError('SWARMLOGS_STORE_NEWER', message)
}
