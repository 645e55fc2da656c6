import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openShelf } from '../../../server/archive/open-shelf.ts'
import { KMS_KEY } from '../../lab/s3-servers.ts'
import { useShelf } from './s3-under-test.ts'

describe.each(['mock', 'proxy'] as const)('S3Shelf on %s', (kind) => {
  const lab = useShelf(kind)

  it('keeps files, tells them in order of names and removes them', async () => {
    const names = ['2026-11-19.1/lines-0001.parquet', '2026-11-19.1/manifest.json', '2026-11-20.1/words', 'holds.json']
    for (const name of names.toReversed()) await lab.shelf.put(name, lab.file('small', name))
    await lab.shelf.put(names[0] ?? '', lab.file('empty', ''))
    expect(await lab.listed()).toEqual(names.map((name, index) => ({ name, bytes: index === 0 ? 0 : name.length })))
    for (const [index, name] of names.entries()) {
      await lab.shelf.get(name, join(lab.dir, 'back'))
      expect(readFileSync(join(lab.dir, 'back'), 'utf8')).toBe(index === 0 ? '' : name)
    }
    expect(existsSync(join(lab.dir, 'back.unfinished'))).toBe(false)
    await lab.shelf.remove([...names.slice(1), 'never/there'])
    expect(await lab.listed()).toEqual([{ name: names[0], bytes: 0 }])
  })

  it('says what is not there', async () => {
    await expect(lab.shelf.get('day/words', join(lab.dir, 'back'))).rejects.toMatchObject({
      code: 'SWARMLOGS_NOT_FOUND',
      message: expect.stringMatching(/^cannot fetch day\/words \(s3:\/\/lab-bucket\/logs\/\w+\): it is not there/),
    })
  })

  it('puts a file anew that has other content, and none that is there already', async () => {
    await lab.shelf.put('day/words', lab.file('words', 'first'))
    await lab.shelf.put('day/words', lab.file('words', 'other'))
    await lab.shelf.put('day/words', lab.file('words', 'other'))
    expect(lab.wire.seen.filter(({ method }) => method === 'PUT')).toHaveLength(2)
    await lab.shelf.get('day/words', join(lab.dir, 'back'))
    expect(readFileSync(join(lab.dir, 'back'), 'utf8')).toBe('other')
  })

  it('keeps large files, and goes on with one that was interrupted', async () => {
    const path = lab.large(40)
    const stop = new AbortController()
    lab.wire.fate = ({ query }) => (query.get('partNumber') === '3' ? 'hold' : 'pass')
    const put = lab.shelf.put('day/lines', path, stop.signal)
    await lab.wire.held(1)
    stop.abort(new Error('enough'))
    await expect(put).rejects.toThrow('enough')
    lab.wire.fate = () => 'pass'
    await lab.shelf.put('day/lines', path)
    await lab.shelf.get('day/lines', join(lab.dir, 'back'))
    expect(readFileSync(join(lab.dir, 'back')).equals(readFileSync(path))).toBe(true)
    const begun = lab.wire.seen.filter(({ method, query }) => method === 'POST' && query.has('uploads'))
    expect(begun).toHaveLength(1)
  })
})

describe('S3Shelf', () => {
  const lab = useShelf('mock')

  it('sees nothing beside its prefix, and no names that are no paths of ours', async () => {
    const beside = await openShelf({ ...lab.config(), prefix: `${lab.prefix}-more` })
    await beside.put('day/words', lab.file('one', '1'))
    beside.close()
    for (const name of ['..', '%2E%2E/escape', 'day//words', 'day/', 'ok'])
      await fetch(`${lab.s3.url}/${lab.s3.bucket}/${lab.prefix}/${name}`, { method: 'PUT', body: 'x' })
    expect(await lab.listed()).toEqual([{ name: 'ok', bytes: 1 }])
    for (const name of ['../x', '/x', 'a//b', 'a/../b', '.hidden', ''])
      await expect(lab.shelf.put(name, lab.file('one', '1'))).rejects.toMatchObject({ code: 'SWARMLOGS_USAGE' })
  })

  it('asks for encryption, of small files and of large ones', async () => {
    const encrypted = { AES256: undefined, 'aws:kms': KMS_KEY } as const
    for (const [kind, kmsKey] of Object.entries(encrypted)) {
      const encryption = { kind: kind as keyof typeof encrypted, ...(kmsKey && { kmsKey }) }
      const safe = await openShelf({ ...lab.config(), encryption })
      await safe.put('day/small', lab.file('small', 'the same'))
      await safe.put('day/large', lab.large(17))
      safe.close()
      const head = await fetch(`${lab.s3.url}/${lab.s3.bucket}/${lab.prefix}/day/small`, { method: 'HEAD' })
      const begun = lab.wire.seen.findLast(({ method, query }) => method === 'POST' && query.has('uploads'))
      const answers = [Object.fromEntries(head.headers), begun?.headers ?? {}]
      for (const headers of answers) {
        expect(headers['x-amz-server-side-encryption']).toBe(kind)
        expect(headers['x-amz-server-side-encryption-aws-kms-key-id']).toBe(kmsKey)
      }
    }
    const wrong = await openShelf({
      ...lab.config(),
      encryption: { kind: 'aws:kms', kmsKey: KMS_KEY.replace(/1$/, '2') },
    })
    await expect(wrong.put('day/other', lab.file('other', ''))).rejects.toThrow('check --archive-s3-kms-key')
    wrong.close()
  })

  it('trusts the authority that it was given, and says which setting is wrong when there is none', async () => {
    const https = { ...lab.config(), endpoint: lab.s3.httpsUrl }
    const doubtful = await openShelf(https)
    await expect(doubtful.put('day/words', lab.file('words', 'x'))).rejects.toThrow(/not trusted .*--archive-s3-ca$/)
    doubtful.close()
    const trusting = await openShelf({ ...https, caFile: lab.file('ca.pem', await lab.s3.certificate()) })
    await trusting.put('day/words', lab.file('words', 'x'))
    trusting.close()
    await expect(openShelf({ ...https, caFile: join(lab.dir, 'none') })).rejects.toThrow(
      /--archive-s3-ca names: ENOENT/,
    )
  })

  it('says that there is no such bucket', async () => {
    const lost = await openShelf({ ...lab.config(), bucket: 'no-such-bucket' })
    await expect(lost.put('day/words', lab.file('words', 'x'))).rejects.toMatchObject({
      code: 'SWARMLOGS_CONFIG',
      message: expect.stringContaining('there is no such bucket: create it, or check --archive-s3'),
    })
    lost.close()
  })
})

describe('S3Shelf with more files than one answer tells', () => {
  const lab = useShelf('proxy')

  it('lists and removes them all', async () => {
    const names = Array.from({ length: 2_100 }, (_, index) => `day/${index}`).toSorted()
    const folder = join(lab.s3.folder, lab.prefix)
    mkdirSync(join(folder, 'day'), { recursive: true })
    for (const name of names) writeFileSync(join(folder, name), 'x')
    expect((await lab.listed()).map(({ name }) => name)).toEqual(names)
    await lab.shelf.remove(names)
    expect(await lab.listed()).toEqual([])
  })
})
