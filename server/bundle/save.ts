import { createHash, hash } from 'node:crypto'
import { type FileHandle, open, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { SwarmlogsError } from '../../shared/errors.ts'
import type { Inventory } from '../../shared/inventory.ts'
import { type Passing, passingFile, passingFolder } from '../../shared/passing.ts'
import { formatTime } from '../../shared/time.ts'
import { type Annotation, annotationsIn } from '../annotations.ts'
import { openParquetWriter, PARQUET_FORMAT } from '../store/open.ts'
import { Gathered } from './gathered.ts'
import type { Knowledge } from './knowledge.ts'
import { BUNDLE_FORMAT, linesName, MANIFEST, type Manifest, MEMBERS, type Member } from './manifest.ts'
import { README } from './readme.ts'
import { takeLines } from './take-lines.ts'
import { contentOf, TarWriter } from './tar.ts'

const FILE_LINES = 100_000

/** What the manifest says that only the one who asks knows. */
export type About = Pick<Manifest, 'name' | 'savedBy' | 'savedFrom' | 'question' | 'since' | 'until' | 'around'>

/** How a bundle is saved. */
export interface SaveOptions {
  /** The file, which must not be there yet. */
  readonly path: string
  /** The archive form of a search, which goes on behind a cursor. */
  readonly linesFrom: (cursor: string | null) => Promise<AsyncIterable<Buffer>>
  readonly about: About
  readonly knowledge: Knowledge
  /** About so many lines are in one file; by default 100,000. */
  readonly fileLines?: number
  readonly signal: AbortSignal
  readonly onProgress: (progress: { readonly lines: number; readonly time: bigint }) => void
}

/** What was saved; the fingerprint is the manifest's sha256, by which a colleague can tell that it is this very bundle. */
export interface Saved {
  readonly manifest: Manifest
  readonly fingerprint: string
  readonly bytes: number
}

/** Saves a bundle. Whatever ends it early, there is no file of that name then, nor any other. */
export async function saveBundle(options: SaveOptions): Promise<Saved> {
  const { path } = options
  const unfinished = `${path}.unfinished`
  const passing = [await create(unfinished)]
  let file: FileHandle | undefined
  try {
    file = await open(unfinished, 'r+')
    const temp = await passingFolder(`${path}.tmp-`)
    passing.push(temp)
    const tar = new TarWriter(file, Math.floor(Number(BigInt(options.knowledge.time) / 1_000_000_000n)))
    const { manifest, text } = await writeMembers(options, tar, temp.path)
    await tar.end()
    options.signal.throwIfAborted()
    await rename(unfinished, path)
    return { manifest, fingerprint: hash('sha256', text), bytes: (await stat(path)).size }
  } catch (error) {
    if (error instanceof SwarmlogsError && !options.signal.aborted) throw error
    throw options.signal.aborted ? aborted() : unwritable(path, error)
  } finally {
    await file?.close()
    for (const one of passing) await one.remove()
  }
}

async function create(path: string): Promise<Passing> {
  try {
    return await passingFile(path)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw unwritable(path, cause)
    const message = `cannot write '${path}': another save writes it, or one was killed; delete that file`
    throw new SwarmlogsError('SWARMLOGS_USAGE', message, { cause })
  }
}

async function writeMembers(options: SaveOptions, tar: TarWriter, temp: string) {
  const { about } = options
  const range = { since: BigInt(about.since), until: BigInt(about.until) }
  const { text: annotations, annotations: noted } = annotationsIn(options.knowledge.annotations, range)
  // What was noted of other times is nobody's business.
  const knowledge = { ...options.knowledge, annotations }
  const members: Member[] = []
  const addText = async (name: string, text: string): Promise<void> => {
    const bytes = Buffer.from(text)
    await tar.add(name, bytes.length, [bytes])
    members.push({ name, bytes: bytes.length, sha256: hash('sha256', bytes) })
  }
  await addText(MEMBERS.readme, README)
  await addText(MEMBERS.knowledge, JSON.stringify(knowledge))
  const { gathered, head, completeness } = await writeLines(options, tar, temp, members)
  await addText(MEMBERS.gaps, gathered.gaps.map((gap) => `${JSON.stringify(gap)}\n`).join(''))
  await addText(MEMBERS.notes, noted.map(noteLine).join(''))
  await addText(MEMBERS.inventory, inventoryText(knowledge, gathered))
  await addText(MEMBERS.completeness, `${JSON.stringify(completeness, undefined, 2)}\n`)
  const manifest: Manifest = {
    ...{ format: BUNDLE_FORMAT, parquet: PARQUET_FORMAT, ...about },
    ...{ saved: knowledge.time, version: knowledge.version, store: { ...head.store, received: head.received } },
    ...{ lines: gathered.lines, gaps: gathered.gaps.length, notes: noted.length, verdict: completeness.verdict },
    ...{ streams: gathered.streams, members },
  }
  const text = `${JSON.stringify(manifest, undefined, 1)}\n`
  await tar.add(MANIFEST, Buffer.byteLength(text), [Buffer.from(text)])
  return { manifest, text }
}

/** Asks for all lines, in as many answers as the server needs, and writes them in files of about a hundred thousand. */
async function writeLines(
  { linesFrom, fileLines = FILE_LINES, signal, onProgress }: SaveOptions,
  tar: TarWriter,
  temp: string,
  members: Member[],
) {
  const writer = await openParquetWriter(join(temp, 'tmp'))
  const gathered = new Gathered(writer, fileLines)
  const flush = async (): Promise<void> => {
    const path = join(temp, 'lines.parquet')
    const content = await gathered.write(path)
    members.push({ ...(await addFile(tar, linesName(gathered.files), path)), ...content })
  }
  try {
    const taken = await takeLines({ linesFrom, signal, gathered, flush, onProgress })
    return { gathered, ...taken }
  } finally {
    await writer.close()
  }
}

async function addFile(tar: TarWriter, name: string, path: string): Promise<Member> {
  const file = await open(path, 'r')
  try {
    const { size } = await file.stat()
    const sum = createHash('sha256')
    async function* summed() {
      for await (const piece of contentOf(file, { name, bytes: size, at: 0 })) {
        sum.update(piece)
        yield piece
      }
    }
    await tar.add(name, size, summed())
    return { name, bytes: size, sha256: sum.digest('hex') }
  } finally {
    await file.close()
    await rm(path)
  }
}

/** For people: what somebody noted. */
function noteLine({ from, made, by, text, stream }: Annotation): string {
  const where = stream && { service: stream.service, node: stream.nodeName, container: stream.containerId }
  return `${JSON.stringify({ at: formatTime(from), made: formatTime(made), by, text, ...where })}\n`
}

/** For people: the services, tasks, nodes and images of that time. */
function inventoryText({ inventory }: Knowledge, { streams }: Gathered): string {
  const { inventories, gone } = JSON.parse(inventory) as { inventories: readonly Inventory[]; gone: readonly object[] }
  const distinct = (texts: readonly string[]): string[] => [...new Set(texts.filter((text) => text !== ''))].sort()
  const told = inventories.map(({ cluster, time, nodes, services }) => ({ cluster, time, nodes, services }))
  const tasks = streams.map(({ taskId: id, taskName: name, slot, service, nodeName: node, containerId, image }) => ({
    ...{ id, name, slot, service, node, container: containerId, image },
  }))
  return `${JSON.stringify({ images: distinct(streams.map(({ image }) => image)), tasks, swarms: told, gone }, undefined, 1)}\n`
}

function aborted(): SwarmlogsError {
  return new SwarmlogsError(
    'SWARMLOGS_STORE_UNAVAILABLE',
    'cannot save the bundle: it was stopped; nothing was written',
  )
}

function unwritable(path: string, cause: unknown): SwarmlogsError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new SwarmlogsError('SWARMLOGS_USAGE', `cannot write '${path}': ${reason}; give another -o`, { cause })
}
