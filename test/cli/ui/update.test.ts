import { describe, expect, it } from 'vitest'
import { linkOf, readLink } from '../../../cli/ui/link.ts'
import { MouseReports } from '../../../cli/ui/mouse.ts'
import { scopeText } from '../../../cli/ui/scope.ts'
import { sight } from '../../../cli/ui/sight.ts'
import { LineWindow } from '../../../cli/ui/window.ts'
import { Bare, LOOK, line, lines, NOW } from './state.ts'

const shown = ({ state }: Bare) => sight(state).map(({ text }) => text)

describe('following', () => {
  it('keeps the newest line at the bottom', () => {
    const ui = new Bare().take(lines(100))
    expect(shown(ui).at(-1)).toBe('line 99')
    expect(shown(ui.take(lines(1, 100))).at(-1)).toBe('line 100')
    expect(shown(ui)).toHaveLength(10)
  })

  it('stands still while one reads, and counts what a full window cannot take', () => {
    const ui = new Bare()
    ui.state = { ...ui.state, window: new LineWindow({ lines: 20, characters: 1e9 }) }
    ui.take(lines(10)).press('k')
    const before = shown(ui)
    ui.take(lines(10, 10)).take(lines(7, 20))
    expect(shown(ui)).toEqual(before)
    expect(ui.state.skipped).toBe(7)
    expect(ui.press('G').effects).toMatchObject([{ kind: 'follow' }, { kind: 'histogram' }])
    expect(ui.state.skipped).toBe(0)
  })

  it('counts lines that pass undrawn, but not the history', () => {
    const ui = new Bare().take(lines(25))
    expect(ui.state.unseen).toBe(15)
    ui.happen({ kind: 'connection', connection: 'asking', note: '' }).take(lines(25))
    expect(ui.state.unseen).toBe(15)
  })
})

describe('moving', () => {
  it.each([
    [['k'], 'line 98'],
    [['k', 'k', 'j'], 'line 98'],
    [['page-up'], 'line 89'],
    [['page-up', 'page-down', 'page-down'], 'line 99'],
    [['home'], 'line 0'],
    [['home', 'page-up'], 'line 0'],
  ])('%j is at %s', (keys, text) => {
    expect(new Bare().take(lines(100)).press(...keys).at).toBe(text)
  })

  it('shows wrapped lines in full and scrolls by their rows', () => {
    const ui = new Bare().take([...lines(5), line(5, { message: 'x'.repeat(790) })]).press('w')
    expect(shown(ui)).toHaveLength(10)
    expect(shown(ui)[0]).toBe('x'.repeat(79))
    expect(shown(ui.press('k'))[0]).toBe('line 4')
  })

  it('reads further pages at the ends of the past', () => {
    const ui = new Bare()
    ui.happen({ kind: 'page', page: { kind: 'jump', lines: lines(50), index: 25, isEnd: { newer: true } } })
    expect(ui.at).toBe('line 25')
    expect(ui.press('home').effects).toMatchObject([{ kind: 'page', direction: 'older', edge: [{ text: 'line 0' }] }])
    ui.happen({ kind: 'page', page: { kind: 'older', lines: lines(10, -10), index: 0, isEnd: { older: true } } })
    expect(ui.at).toBe('line 0')
    expect(ui.press('home').effects).toEqual([])
    expect(ui.at).toBe('line -10')
    expect(ui.state.window.size).toBe(60)
  })
})

describe('looking for lines', () => {
  const some = () => new Bare().take([...lines(20), line(20, { 'log.level': 'error' }), ...lines(20, 21)])

  it('finds errors and matches among those in memory', () => {
    expect(some().press('E').at).toBe('line 20')
    const ui = some().press('/', ...'LINE 7', 'enter')
    expect(ui.at).toBe('line 7')
    expect(ui.press('N').state.note).toContain('looking for')
  })

  it('asks the server for those that are not', () => {
    const ui = some().press('home', 'E')
    expect(ui.effects).toMatchObject([{ kind: 'seek', by: -1, scope: { query: 'level>=error' } }])
    const found = line(-500, { 'log.level': 'error' })
    expect(ui.happen({ kind: 'found', line: found }).effects[0]).toMatchObject({ kind: 'jump', time: found.time })
  })
})

describe('what is typed', () => {
  it.each([
    ['-10m', '2026-11-21T11:50:39.000000000Z'],
    ['10m', '2026-11-21T11:50:00.000000000Z'],
    ['2026-11-21T10:02:00Z', '2026-11-21T10:02:00.000000000Z'],
  ])('g %s goes to a time', (text, time) => {
    const ui = new Bare().take(lines(40)).press('g', ...text, 'enter')
    expect(ui.effects[0]).toMatchObject({ kind: 'jump', time })
  })

  it('stays with a time that is none, and says why', () => {
    const ui = new Bare().take(lines(5)).press('g', ...'soon', 'enter')
    expect(ui.state.prompt).toMatchObject({ text: 'soon', error: expect.stringContaining("cannot go to 'soon'") })
    expect(ui.press('escape').state.prompt).toBeUndefined()
  })

  it('puts the cursor where a query goes wrong', () => {
    const ui = new Bare().press('f', ...'a OR )', 'enter')
    expect(ui.state.prompt).toMatchObject({ cursor: 5, error: expect.stringContaining('at 6') })
    ui.press('backspace', 'ctrl-u', ...'status>=500', 'enter')
    expect(ui.effects[0]).toMatchObject({ kind: 'follow', scope: { query: 'status>=500' } })
    expect(ui.press('escape').effects[0]).toMatchObject({ kind: 'follow', scope: { query: '' } })
  })

  it('is completed by labels, services and fields', () => {
    const ui = new Bare().press('f').happen({ kind: 'terms', terms: ['service:shop_web', 'service:shop_api'] })
    expect(ui.press(...'-serv', 'tab').state.prompt?.text).toBe('-service:')
    expect(ui.press(...'shop_w', 'tab').state.prompt?.text).toBe('-service:shop_web ')
    expect(ui.press(...'level>=', 'tab').state.prompt?.error).toContain('level>=error')
  })

  it('takes nothing that controls a terminal as a letter', () => {
    expect(new Bare().press('/', 'up', 'ctrl-x', 'page-down').state.prompt?.text).toBe('')
  })
})

describe('the fields of a line', () => {
  const record = line(0, { message: 'boom', 'log.level': 'error', fields: { status: 502, 'user.id': 'x "y"' } })

  it.each([
    ['service.name', '+', 'service:web'],
    ['service.name', '-', '-service:web'],
    ['log.level', '+', 'level:error'],
    ['message', '-', '-"boom"c'],
    ['status', '+', 'status:502'],
    ['user.id', '+', 'user.id:"x \\"y\\""'],
  ])('%s %s asks for %s', (name, key, query) => {
    const ui = new Bare().take([record]).press('enter')
    const index = ui.state.detail?.fields.findIndex((field) => field.name === name) ?? -1
    ui.press(...Array.from({ length: index }, () => 'down'), key)
    expect(ui.state.scope.query).toBe(query)
  })

  it('cannot choose lines by what the server does not know', () => {
    const ui = new Bare().take([record]).press('enter', '+')
    expect(ui.state.note).toBe('lines cannot be chosen by @timestamp')
  })
})

describe('the strip', () => {
  it('is walked, zoomed and left', () => {
    const ui = new Bare().take(lines(10)).press('h')
    const last = ui.state.strip.index
    expect(ui.press('left').state.strip.index).toBe((last ?? 0) - 1)
    const before = ui.state.strip.to - ui.state.strip.from
    expect(ui.press('+').effects).toMatchObject([{ kind: 'histogram' }])
    expect(ui.state.strip.to - ui.state.strip.from).toBe(before / 2)
    expect(ui.press('enter').effects[0]).toMatchObject({ kind: 'jump' })
    expect(ui.state.strip.index).toBeUndefined()
  })

  it('goes along with the time of live lines only', () => {
    const ui = new Bare().take(lines(10))
    expect(ui.happen({ kind: 'tick', now: NOW + 10_000 }).state.strip.to).toBe(NOW + 10_000)
    expect(ui.press('h').happen({ kind: 'tick', now: NOW + 20_000 }).effects).toEqual([])
  })
})

describe('the mouse', () => {
  const wheel = (by: 1 | -1) => ({ kind: 'mouse', mouse: { kind: 'wheel', by } }) as const
  const click = (row: number, column = 5) => ({ kind: 'mouse', mouse: { kind: 'click', row, column } }) as const

  it('is off until m is pressed', () => {
    const ui = new Bare()
    expect(ui.press('m').effects).toEqual([{ kind: 'mouse', isOn: true }])
    expect(ui.press('m').effects).toEqual([{ kind: 'mouse', isOn: false }])
  })

  it('scrolls three rows, and reads further lines at the end', () => {
    const ui = new Bare().take(lines(15)).happen(wheel(1))
    expect(ui.state.isFollowing).toBe(true)
    expect(shown(ui.happen(wheel(-1)))[0]).toBe('line 2')
    expect(shown(ui.happen(wheel(-1)).happen(wheel(1)))[0]).toBe('line 3')
    ui.happen(wheel(-1)).happen(wheel(-1))
    expect(ui.effects[0]).toMatchObject({ kind: 'jump', time: line(0).time })
  })

  it('selects the line that is clicked, and opens it with another click', () => {
    const ui = new Bare().take(lines(100)).happen(click(4))
    expect(ui.at).toBe('line 92')
    expect(ui.state.isFollowing).toBe(false)
    expect(ui.happen(click(4)).state.detail?.line.text).toBe('line 92')
    expect(ui.happen(wheel(1)).state.detail?.index).toBe(1)
  })

  it('selects among choices and bars, and does nothing elsewhere', () => {
    const ui = new Bare().press('s')
    ui.happen({ kind: 'choices', choices: ['(all)', 'web', 'api'].map((value) => ({ value, detail: '' })) })
    expect(ui.happen(click(4)).state.picker?.index).toBe(1)
    expect(ui.happen(click(9)).happen(click(2)).state.picker?.index).toBe(1)
    expect(ui.happen(click(4)).state.scope.services).toEqual(['web'])
    expect(ui.happen(click(1, 10)).state.strip.index).toBe(0)
    expect(ui.happen(click(1, 10)).effects[0]).toMatchObject({ kind: 'jump' })
    const { state } = ui
    for (const row of [0, 12, 13, 99]) expect(ui.happen(click(row)).state).toEqual(state)
  })

  it('is read from input that is cut anywhere, among keys', () => {
    const input = 'k\x1b[<64;10;5M\x1b[A\x1b[<65;10;5M\x1b[<0;10;5M\x1b[<0;10;5mj\x1b[<2;1;1M'
    const wanted = [wheel(-1).mouse, wheel(1).mouse, { kind: 'click', column: 9, row: 4 }]
    for (let cut = 0; cut <= input.length; cut++) {
      const reports = new MouseReports()
      const read = [input.slice(0, cut), input.slice(cut)].flatMap((part) => reports.push(part))
      expect(read).toEqual([...wanted, { kind: 'other' }, { kind: 'other' }])
    }
  })
})

describe('what is around a line', () => {
  it('is asked for by its cursor, as narrow as its labels allow, and left by Esc', () => {
    const ui = new Bare().take([...lines(5), line(5, { cursor: 'here' })])
    ui.press('k', 'j', 'x')
    expect(ui.effects).toMatchObject([{ kind: 'context', cursor: 'here', within: 'container' }, { kind: 'histogram' }])
    expect(ui.state.scope).toMatchObject({ containers: ['c1'] })
    expect(ui.press('escape').effects[0]).toMatchObject({ kind: 'jump', scope: { containers: [] }, time: line(5).time })
  })

  it.each([
    ['service', { 'container.id': '', cursor: 'here' }],
    ['all', { 'container.id': '', 'service.name': '', cursor: 'here' }],
  ])('is its %s where that is all a sender told', (within, labels) => {
    expect(new Bare().take([line(0, labels)]).press('x').effects).toMatchObject([{ kind: 'context', within }, {}])
  })

  it('is found by the time of a line that has no cursor', () => {
    expect(new Bare().take(lines(5)).press('x').effects).toMatchObject([{ kind: 'jump', line: { text: 'line 4' } }, {}])
  })
})

describe('events', () => {
  const TRACE = 'ERROR failed\r\nTraceback:\n  File "a.py"\nKeyError: x'
  const trace = line(1, { message: TRACE, event_lines: 4, 'log.level': 'error' })
  const folded = () => new Bare().press('v').take([line(0), trace, line(2, { message: 'a\n b', event_lines: 2 })])

  it('are asked for where one is, and left by the same key and by Esc', () => {
    const ui = new Bare().press('v')
    expect(ui.effects).toMatchObject([{ kind: 'follow', scope: { events: true } }, { kind: 'histogram' }])
    expect(ui.press('escape').effects).toMatchObject([{ kind: 'follow', scope: { events: false } }, {}])
    ui.take(lines(5)).press('k', 'v')
    expect(ui.effects[0]).toMatchObject({ kind: 'jump', scope: { events: true }, time: line(3).time })
    expect(ui.press('v').effects[0]).toMatchObject({ kind: 'jump', scope: { events: false } })
  })

  it('are folded under their first lines, and unfolded where long lines are wrapped', () => {
    const ui = folded()
    expect(shown(ui)).toEqual(['line 0', 'ERROR failed (+3 lines)', 'a (+1 line)'])
    expect(shown(ui.press('w'))).toEqual([
      ...['line 0', 'ERROR failed', 'Traceback:', '  File "a.py"', 'KeyError: x'],
      ...['a', ' b'],
    ])
    const long = line(3, { message: `${'x'.repeat(200)}\n at y`, event_lines: 2 })
    expect(shown(ui.press('w').take([long])).at(-1)).toBe(`${'x'.repeat(69)} (+1 line)`)
    expect(shown(new Bare().take([line(0, { message: 'a\nb' })]))[0]).not.toContain('(+')
  })

  it('are found by any of their lines, and copied whole', () => {
    const ui = folded().press('/', ...'keyerror', 'enter')
    expect(ui.at).toBe('ERROR failed')
    expect(ui.press('Y').effects).toEqual([{ kind: 'copy', text: TRACE.replace('\r', '') }])
    expect(ui.press('e').at).toBe('ERROR failed')
  })

  it('are part of a link', () => {
    const { scope } = new Bare().press('v').state
    const link = linkOf('http://server', { scope, at: undefined, look: {} }, LOOK)
    expect(readLink(link).place.scope).toEqual(scope)
    expect(scopeText(scope)).toBe('events')
  })
})
