import { describe, expect, it } from 'vitest'
import { archiveOf, mustRead, onArchive } from '../../cli/archive.ts'

const BUNDLE = { url: 'http://127.0.0.1:5000', manifest: { until: '1795228691386458421' } }
const AT = 'at=2026-11-21T02%3A38%3A11.386458421Z'

describe('archiveOf', () => {
  it.each([
    [['--archive', 'a.slog', 'tail', '-f'], { path: 'a.slog', command: ['tail', '-f'] }],
    [['--archive=a.slog', 'ui'], { path: 'a.slog', command: ['ui'] }],
    [['--archive'], { path: '', command: [] }],
    [['tail', '--archive', 'a.slog'], undefined],
    [['--archives'], undefined],
  ])('reads %j', (args, archive) => expect(archiveOf(args)).toEqual(archive))
})

describe('mustRead', () => {
  it('takes what reads, and asks nobody else', () => {
    expect(() => mustRead(['search', 'x'])).not.toThrow()
    expect(() => mustRead(['open', 'AQ'])).not.toThrow()
    expect(() => mustRead(['agent'])).toThrow("cannot run 'agent' on a bundle: give one of tail, logs,")
    expect(() => mustRead(['tail', '--url=x'])).toThrow('cannot use --url=x with --archive')
  })
})

describe('onArchive', () => {
  it.each([
    [
      ['search', 'x'],
      ['search', 'x'],
    ],
    [
      ['tail', '-f', 'web', '--follow'],
      ['tail', 'web'],
    ],
    [['ui'], ['ui', `${BUNDLE.url}/ui?${AT}`]],
    [
      ['ui', 'web', '--color', 'never', 'api'],
      ['ui', `${BUNDLE.url}/ui?target=web&target=api&${AT}`, '--color', 'never'],
    ],
    [
      ['ui', 'http://x/ui?at=1'],
      ['ui', 'http://x/ui?at=1'],
    ],
  ])('makes of %j what suits a bundle', (args, meant) => expect(onArchive(args, BUNDLE)).toEqual(meant))
})
