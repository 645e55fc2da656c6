import { expect, it } from 'vitest'
import { ARCHIVE_FORMAT, type DayManifest, manifestText, parseManifest } from '../../../server/archive/manifest.ts'
import { WEB } from '../store/records.ts'

const sealed = { bytes: 7, sha256: '0'.repeat(64) }
const manifest: DayManifest = {
  ...{ format: ARCHIVE_FORMAT, day: '2026-11-19', generation: 1, sealed: '9', version: '1', messageBytes: 5, lines: 2 },
  ...{ store: { id: 'x', received: '8' }, replaces: ['2026-11-19.0'], streams: [WEB], gaps: [], words: sealed },
  counts: [[0, 2, '1', '2', '8', '', 5]],
  files: [{ name: 'lines-00001.parquet', ...sealed, lines: 2, first: '1', last: '2' }],
  chunks: null,
}

it('a manifest is read as it was written', () => {
  expect(parseManifest(manifestText(manifest), 'x')).toEqual(manifest)
  expect(() => parseManifest(manifestText({ ...manifest, format: ARCHIVE_FORMAT + 1 }), 'x')).toThrow('newer swarmlogs')
})

it.each([1, 2, 4, 64])('a manifest with a changed byte is damaged, whichever it is (%i)', (bit) => {
  const content = Buffer.from(manifestText(manifest))
  for (const [at, byte] of content.entries()) {
    content[at] = byte ^ bit
    expect(() => parseManifest(content.toString(), 'x'), `byte ${at}`).toThrow('it is damaged')
    content[at] = byte
  }
  for (const text of ['', '{}', JSON.stringify(manifest), manifestText(manifest).slice(0, -1)])
    expect(() => parseManifest(text, 'x')).toThrow('it is damaged')
})
