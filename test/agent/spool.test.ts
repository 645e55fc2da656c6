import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Checkpoint } from '../../agent/line.ts'
import { Checkpoints } from '../../agent/spool/checkpoints.ts'
import { openDatabase, reclaim } from '../../agent/spool/database.ts'
import { openStateDir } from '../../agent/spool/state-dir.ts'
import { chunkOf, recordingLog, silent, temporaryDir } from './chunks.ts'
import { idsIn, openSpool } from './spool/opened.ts'

const { signal } = new AbortController()
const _MAX_BYTES = 1 << 30

describe('Spool', () => {
  it('gives chunks back in the order of appending, after a restart too', async () => {
    const dir = temporaryDir()
    const before = openSpool(dir)
    for (const id of ['a', 'b', 'c']) await before.append(chunkOf(id), signal)
    before.remove(2)
    expect(idsIn(before)).toEqual(['a', 'c'])
    before.close()
    const after = openSpool(dir)
    expect(idsIn(after)).toEqual(['a', 'c'])
    expect([after.size, after.bytes > 0]).toEqual([2, true])
    expect(after.next(0)).toMatchObject({ records: 1, body: chunkOf('a').body, option: chunkOf('a').option })
  })

  it('keeps the checkpoint that came last, also of a chunk without lines', async () => {
    const spool = openSpool(temporaryDir())
    await spool.append(chunkOf('a', ['x'], 1), signal)
    await spool.append(chunkOf('b', [], 2), signal)
    expect(spool.checkpoint('c1')).toEqual({ n: 2 })
    expect(spool.checkpoint('c2')).toBeUndefined()
    expect(idsIn(spool)).toEqual(['a'])
    await spool.append({ ...chunkOf('c', [], 3), gaps: 1 }, signal)
    expect(idsIn(spool)).toEqual(['a', 'c'])
  })

  it('waits when it is full, says so once, and goes on when a chunk is removed', async () => {
    const { log, lines } = recordingLog()
    const spool = openSpool(temporaryDir(), { log, maxBytes: 2000 })
    const ids = Array.from({ length: 10 }, (_, index) => `chunk${index}`)
    let appended = 0
    const writing = (async () => {
      for (const id of ids) if (await spool.append(chunkOf(id), signal)) appended += 1
    })()
    while (spool.waits === '') await new Promise(setImmediate)
    const held = appended
    expect(held).toBeLessThan(10)
    spool.remove(1)
    while (appended === held) await new Promise(setImmediate)
    expect(spool.bytes).toBeLessThanOrEqual(2000)
    for (let seq = 2; appended < 10; seq++) {
      spool.remove(seq)
      await new Promise(setImmediate)
    }
    await writing
    expect(lines.filter((line) => String(line.msg).startsWith('spool is full')).length).toBeGreaterThan(0)
    expect(lines.at(-1)?.msg).toBe('spool has room again; reading goes on')
  })

  it('takes a chunk that alone is over the limit', async () => {
    const spool = openSpool(temporaryDir(), { maxBytes: 10 })
    expect(await spool.append(chunkOf('a'), signal)).toBe(true)
  })

  it('stores nothing when the signal aborts while it waits', async () => {
    const spool = openSpool(temporaryDir(), { maxBytes: 10 })
    await spool.append(chunkOf('a', ['x'], 1), signal)
    const stop = new AbortController()
    const waiting = spool.append(chunkOf('b', ['y'], 2), stop.signal)
    stop.abort()
    expect(await waiting).toBe(false)
    expect(spool.checkpoint('c1')).toEqual({ n: 1 })
  })

  it('waits while the disk is full, and goes on when there is room', async () => {
    const dir = temporaryDir()
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', dir])
    onTestFinished(() => void execFileSync('umount', ['-l', dir]))
    const { log, lines } = recordingLog()
    const spool = openSpool(dir, { log })
    writeFileSync(join(dir, 'hog'), Buffer.alloc(1 << 20))
    const writing = spool.append({ ...chunkOf('a', ['x'], 1), body: Buffer.alloc(1 << 20) }, signal)
    expect(spool.waits).toBe('disk')
    expect(spool.checkpoint('c1')).toBeUndefined()
    rmSync(join(dir, 'hog'))
    expect(await writing).toBe(true)
    expect(spool.checkpoint('c1')).toEqual({ n: 1 })
    const messages = ['cannot write the spool; waiting for the disk', 'spool has room again; reading goes on']
    expect(lines.map((line) => line.msg)).toEqual(messages)
  })

  it('keeps checkpoints per store, and gives what was read before any to the first one', async () => {
    const spool = openSpool(temporaryDir())
    await spool.append(chunkOf('a', ['x'], 1), signal)
    expect(spool.useStore('A/1')).toBe('first')
    expect(spool.checkpoint('c1')).toEqual({ n: 1 })
    spool.remove(1)
    expect(spool.useStore('B/1')).toBe('other')
    expect(spool.checkpoint('c1')).toBeUndefined()
    expect(spool.useStore('A/1')).toBe('other')
    expect(spool.checkpoint('c1')).toEqual({ n: 1 })
    expect(spool.useStore('A/1')).toBe('same')
  })

  it('drops checkpoints that count on chunks which their store has not acked', async () => {
    const spool = openSpool(temporaryDir())
    spool.useStore('A/1')
    await spool.append(chunkOf('a', ['x'], 1, 'acked'), signal)
    await spool.append(chunkOf('b', ['y'], 1, 'unacked'), signal)
    spool.remove(1)
    spool.useStore('B/1')
    expect(idsIn(spool)).toEqual(['b'])
    spool.useStore('A/1')
    expect(spool.checkpoint('acked')).toEqual({ n: 1 })
    expect(spool.checkpoint('unacked')).toBeUndefined()
  })

  it('says what another store had of a container, also where that does not count any more', async () => {
    const spool = openSpool(temporaryDir())
    spool.useStore('A/1')
    await spool.append(chunkOf('a', ['x'], 1, 'acked'), signal)
    await spool.append(chunkOf('b', ['y'], 2, 'unacked'), signal)
    spool.remove(1)
    expect(spool.checkpointElsewhere('acked')).toBeUndefined()
    spool.useStore('B/1')
    expect(spool.prune(new Set(['acked', 'unacked']), Date.now() + 31 * 86_400_000)).toBe(0)
    expect(['acked', 'unacked', 'new'].map((id) => spool.checkpointElsewhere(id))).toEqual([
      { n: 1 },
      { n: 2 },
      undefined,
    ])
    expect(spool.prune(new Set(['acked']), Date.now() + 31 * 86_400_000)).toBe(1)
  })

  it('tells the checkpoints of containers that are gone, unless the store in use has all of them', async () => {
    const spool = openSpool(temporaryDir())
    const stream = { service: 'web' }
    const put = (id: string, checkpoint: Checkpoint) =>
      spool.append({ ...chunkOf(id, [], 0, id), checkpoints: new Map([[id, checkpoint]]) }, signal)
    spool.useStore('A/1')
    await put('ended', { stream, ended: true })
    await put('unread', { stream, ended: true, history: { size: 1 } })
    await put('running', { stream })
    await put('listed', { stream })
    const unlisted = () => spool.unlisted(new Set(['listed']))
    expect(unlisted()).toEqual([
      { checkpoint: { stream }, isElsewhere: false },
      { checkpoint: { stream, ended: true, history: { size: 1 } }, isElsewhere: false },
    ])
    spool.useStore('B/1')
    expect(unlisted()).toHaveLength(3)
    await put('ended', { ended: true })
    await put('running', { ended: true })
    expect(unlisted()).toEqual([{ checkpoint: { stream, ended: true, history: { size: 1 } }, isElsewhere: true }])
    spool.useStore('C/1')
    expect(unlisted()).toHaveLength(3)
  })

  it('knows an older copy of a store by what that acked, over a restart, and then goes on from nothing', async () => {
    const dir = temporaryDir()
    const openings = [
      { id: 'a', from: 0n },
      { id: 'b', from: 50n },
    ]
    const before = openSpool(dir)
    before.useStore('A/1', openings.slice(0, 1))
    await before.append(chunkOf('x', ['x'], 1), signal)
    before.remove(1, { opening: 'a', at: 60n })
    before.keep('watermark', 'stored')
    expect(before.useStore('B/1')).toBe('other')
    before.close()
    const after = openSpool(dir)
    expect(after.useStore('A/1', openings)).toBe('older')
    expect([after.checkpoint('c1'), after.checkpointElsewhere('c1')]).toEqual([undefined, { n: 1 }])
    expect(after.kept('watermark')).toBeUndefined()
    expect(after.useStore('A/1', openings)).toBe('same')
  })

  it('goes along with the openings of a store that it has nothing to send to', async () => {
    const spool = openSpool(temporaryDir())
    spool.useStore('A/1', [{ id: 'a', from: 0n }])
    await spool.append(chunkOf('x'), signal)
    spool.remove(1, { opening: 'a', at: 50n })
    await spool.append(chunkOf('y'), signal)
    for (let at = 50n; at < 150n; at++) {
      const openings = [at - 1n, at].map((from) => ({ id: from === 49n ? 'a' : `at${from}`, from }))
      expect(spool.useStore('A/1', openings)).toBe('same')
    }
    expect(spool.useStore('A/1', [{ id: 'a', from: 0n }])).toBe('older')
  })

  it('remembers the store over a restart', () => {
    const dir = temporaryDir()
    const before = openSpool(dir)
    before.useStore('A/1')
    before.close()
    expect(openSpool(dir).store).toBe('A/1')
  })

  it('keeps checkpoints of so many containers that are gone at most', () => {
    const checkpoints = new Checkpoints(openDatabase(temporaryDir(), silent), 3)
    for (const n of [1, 2, 3, 4, 5]) checkpoints.put('A', new Map([[`c${n}`, { n }]]), n)
    expect(checkpoints.prune('A', new Set(['c1']), 5)).toBe(1)
    expect(checkpoints.get('A', 'c2')).toBeUndefined()
    for (const id of ['c1', 'c3', 'c4', 'c5']) expect(checkpoints.get('A', id)).toBeDefined()
  })

  it('prunes checkpoints that are a month old and not listed', async () => {
    const spool = openSpool(temporaryDir())
    for (const id of ['gone', 'listed']) await spool.append(chunkOf(id, ['x'], 1, id), signal)
    expect(spool.prune(new Set(['listed']), Date.now() + 29 * 86_400_000)).toBe(0)
    expect(spool.prune(new Set(['listed']), Date.now() + 31 * 86_400_000)).toBe(1)
    expect(spool.checkpoint('listed')).toEqual({ n: 1 })
  })
})

describe('reclaim', () => {
  it('gives the disk back after a large backlog', () => {
    const dir = temporaryDir()
    const database = openDatabase(dir, silent)
    database.exec("INSERT INTO chunks VALUES (1, 'a', 1, 0, 0, '[]', x'', zeroblob(50000000))")
    database.exec('DELETE FROM chunks')
    let rounds = 0
    while (reclaim(database)) rounds += 1
    database.close()
    expect(rounds).toBeGreaterThan(2)
    expect(statSync(join(dir, 'spool.db')).size).toBeLessThan(36_000_000)
  })
})

describe('a damaged spool', () => {
  const damages: [string, (path: string) => void][] = [
    ['garbage', (path) => writeFileSync(path, 'garbage '.repeat(5000))],
    ['cut short', (path) => truncateSync(path, 40_000)],
    ['another program’s database', (path) => foreignDatabase(path)],
  ]

  it.each(damages)('is set aside by name when it is %s', async (_, damage) => {
    const dir = temporaryDir()
    const before = openSpool(dir)
    for (let n = 0; n < 200; n++) await before.append(chunkOf(`${n}`, ['some line '.repeat(50)], n, `c${n}`), signal)
    before.close()
    damage(join(dir, 'spool.db'))
    const { log, lines } = recordingLog()
    const after = openSpool(dir, { log })
    expect([after.size, after.store]).toEqual([0, ''])
    expect(await after.append(chunkOf('a'), signal)).toBe(true)
    expect(readdirSync(dir)).toContain('spool.db.damaged')
    expect(lines.find(({ setAside }) => setAside)?.setAside).toBe(join(dir, 'spool.db.damaged'))
  })

  it('is noticed when a byte of a chunk’s body has flipped', async () => {
    const dir = temporaryDir()
    const before = openSpool(dir)
    const body = Buffer.alloc(100_000, 'body')
    await before.append({ ...chunkOf('a'), body }, signal)
    before.close()
    const path = join(dir, 'spool.db')
    flip(path, readFileSync(path).lastIndexOf('bodybodybody'))
    const after = openSpool(dir)
    expect(() => after.next(0)).toThrow(expect.objectContaining({ code: 'SWARMLOGS_STORE_DAMAGED' }))
  })
})

describe('the state folder', () => {
  it('refuses a newer format and touches nothing', () => {
    const dir = temporaryDir()
    openSpool(dir).close()
    const path = join(dir, 'spool.db')
    const bytes = readFileSync(path)
    bytes.writeUInt32BE(2, 60)
    writeFileSync(path, bytes)
    expect(() => openSpool(dir)).toThrow(expect.objectContaining({ code: 'SWARMLOGS_STORE_NEWER' }))
    expect(readFileSync(path).equals(bytes)).toBe(true)
    expect(readdirSync(dir)).toEqual(['spool.db'])
  })

  it('is made private, and made so when it is not', () => {
    const dir = join(temporaryDir(), 'a', 'b')
    openStateDir(dir)
    expect(statSync(dir).mode & 0o777).toBe(0o700)
    chmodSync(dir, 0o755)
    openStateDir(dir)
    expect(statSync(dir).mode & 0o777).toBe(0o700)
  })

  it('is refused when it or a file in it is a symbolic link', () => {
    const dir = temporaryDir()
    symlinkSync(dir, join(dir, 'link'))
    expect(() => openStateDir(join(dir, 'link'))).toThrow(/symbolic link/)
    symlinkSync('/etc/passwd', join(dir, 'spool.db'))
    expect(() => openSpool(dir)).toThrow(/no plain file/)
  })
})

function flip(path: string, at: number): void {
  const bytes = readFileSync(path)
  bytes[at] = (bytes[at] ?? 0) ^ 0xff
  writeFileSync(path, bytes)
}

function foreignDatabase(path: string): void {
  writeFileSync(path, '')
  const database = new DatabaseSync(path)
  database.exec('CREATE TABLE theirs (a)')
  database.close()
}
