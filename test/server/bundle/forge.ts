import { hash } from 'node:crypto'
import { open, readFile } from 'node:fs/promises'
import { DuckDBInstance } from '@duckdb/node-api'
import { type Manifest, parseManifest } from '../../../server/bundle/manifest.ts'
import { contentOf, readTar, TarWriter } from '../../../server/bundle/tar.ts'

/** A bundle that is taken apart, to be put together otherwise. */
export interface Parts {
  readonly members: Map<string, Buffer>
  readonly manifest: Manifest
}

/** Takes a bundle apart. */
export async function partsOf(path: string): Promise<Parts> {
  const members = new Map<string, Buffer>()
  const file = await open(path)
  for (const member of await readTar(path, () => true)) {
    const pieces: Buffer[] = []
    for await (const piece of contentOf(file, member)) pieces.push(piece)
    members.set(member.name, Buffer.concat(pieces))
  }
  await file.close()
  const manifest = parseManifest(String(members.get('manifest.json')))
  members.delete('manifest.json')
  return { members, manifest }
}

/** Writes a bundle of these parts, of which all sums are right. */
export async function forge(path: string, { members, manifest }: Parts): Promise<void> {
  const file = await open(path, 'w')
  const tar = new TarWriter(file, 0)
  for (const [name, bytes] of members) await tar.add(name, bytes.length, [bytes])
  const told = manifest.members.map((member) => {
    const bytes = members.get(member.name) ?? Buffer.alloc(0)
    return { ...member, bytes: bytes.length, sha256: hash('sha256', bytes) }
  })
  const text = Buffer.from(JSON.stringify({ ...manifest, members: told }))
  await tar.add('manifest.json', text.length, [text])
  await tar.end()
  await file.close()
}

/** Makes a Parquet file of lines in which a column is something else. @param from what the rows are of, in SQL */
export async function parquet(path: string, original: string, from: string, columns: string): Promise<Buffer> {
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  await connection.run(
    `COPY (SELECT l.* REPLACE (${columns}) FROM (SELECT * FROM read_parquet('${original}') LIMIT 1) l, ${from}) ` +
      `TO '${path}' (FORMAT parquet, COMPRESSION zstd)`,
  )
  connection.closeSync()
  instance.closeSync()
  return readFile(path)
}

/** Has a Parquet file say in its footer that it has another number of lines. */
export function declaring(bytes: Buffer, count: number, declared: number): Buffer {
  const length = bytes.readUInt32LE(bytes.length - 8)
  const start = bytes.length - 8 - length
  const text = bytes.toString('latin1', start, bytes.length - 8)
  const footer = Buffer.from(text.replaceAll(zigzag(count), zigzag(declared)), 'latin1')
  const end = Buffer.alloc(8, 'xxxxPAR1')
  end.writeUInt32LE(footer.length)
  return Buffer.concat([bytes.subarray(0, start), footer, end])
}

/** As Thrift's compact protocol writes an integer. */
function zigzag(value: number): string {
  const bytes: number[] = []
  for (let left = BigInt(value) * 2n; ; left >>= 7n) {
    if (left < 128n) return String.fromCharCode(...bytes, Number(left))
    bytes.push(Number(left & 127n) | 128)
  }
}
