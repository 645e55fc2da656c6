import { describe, expect, it } from 'vitest'
import type { CommandSpec } from '../../cli/command.ts'
import { COMMANDS } from '../../cli/commands.ts'
import { parseQuickly } from '../../cli/parse.ts'

const spec: CommandSpec = {
  operand: { form: '[TARGET...]', text: '' },
  flags: [
    { flags: '-n, --tail <N>', text: '' },
    { flags: '-f, --follow', text: '' },
    { flags: '-t, --timestamps', text: '' },
    { flags: '--no-task-ids', text: '' },
    { flags: '--node <NODE>', text: '', isRepeatable: true },
    { flags: '-o, --output <FORM>', text: '', default: 'text' },
  ],
  help: '',
  run: async () => {},
}
const DEFAULTS = { taskIds: true, output: 'text' }

describe('parseQuickly', () => {
  it.each([
    [[], [], {}],
    [['web', '-f', 'api'], ['web', 'api'], { follow: true }],
    [['-ft', '-n100', 'web'], ['web'], { follow: true, timestamps: true, tail: '100' }],
    [['--tail=5', '--output', 'json'], [], { tail: '5', output: 'json' }],
    [['--node', 'a', '--node', 'b'], [], { node: ['a', 'b'] }],
    [['--no-task-ids'], [], { taskIds: false }],
    [['--no-task-ids', '--task-ids', '--follow', '--no-follow'], [], { follow: false }],
    [['--', '-f'], ['-f'], {}],
  ])('reads %j', (args, operands, flags) => {
    expect(parseQuickly(spec, args)).toEqual({ operands, flags: { ...DEFAULTS, ...flags } })
  })

  it.each([[['--help']], [['-x']], [['--folow']], [['-n']], [['--follow=yes']], [['--no-tail']]])(
    'leaves %j to commander',
    (args) => {
      expect(parseQuickly(spec, args)).toBeUndefined()
    },
  )

  it('checks the number of operands', () => {
    const one = { ...spec, operand: { form: '<SERVICE|TASK>', text: '' } }
    expect([[], ['a'], ['a', 'b']].map((args) => parseQuickly(one, args) !== undefined)).toEqual([false, true, false])
    const { operand: _, ...none } = spec
    expect([[], ['a']].map((args) => parseQuickly(none, args) !== undefined)).toEqual([true, false])
  })

  it('understands the flags of every command', async () => {
    for (const { load } of COMMANDS) {
      const command = await load()
      const operands = command.operand?.form.startsWith('<') ? ['x'] : []
      const args = command.flags.flatMap(({ flags }) => [
        /--[\w-]+/.exec(flags)?.[0] ?? '',
        ...(flags.includes('<') ? ['v'] : []),
      ])
      const given = Object.values(parseQuickly(command, [...operands, ...args])?.flags ?? {})
      expect(given).toHaveLength(command.flags.length)
    }
  })
})
