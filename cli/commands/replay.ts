import type { Flags } from '../../shared/settings.ts'
import { parseDuration } from '../../shared/time.ts'
import { Client } from '../client.ts'
import type { CommandSpec } from '../command.ts'
import { clientConfig } from '../config.ts'
import { FILTER_FLAGS, GREP_FLAG, LEVEL_FLAG, PRINT_FLAGS } from '../flags.ts'
import { splitOperands } from '../operands.ts'
import { ask } from '../print.ts'
import { readQuestion } from '../question.ts'
import { parseSpeed, replay, type TimedLine, timedLines } from '../replay.ts'
import { openOutput } from '../show.ts'
import { onBundle } from './serve.ts'

const EXAMPLES = `
Shows the lines of an incident as they came in then: with the pauses that were between
them, --speed times as fast.

Examples:
  swarmlogs replay incident.slog --speed 10x
  swarmlogs replay incident.slog web 'level>=warn' --from 2026-11-21T10:02 --speed 60x
  swarmlogs replay incident.slog --max-pause 2s -t      no silence over two seconds`

/** The command `replay`. */
export const replayLines: CommandSpec = {
  operand: { form: '<FILE> [TARGET|QUERY...]', text: 'the bundle; services and tasks, and what their lines must have' },
  flags: [
    { flags: '--speed <FACTOR>', text: 'so many times as fast: 10x, 0.5x, or max', default: '1x' },
    { flags: '--from <TIME>', text: 'begin here (10m: ten minutes before the end of the bundle)' },
    { flags: '--until <TIME>', text: 'end here' },
    { flags: '--max-pause <DURATION>', text: 'no pause is longer than that, at whatever speed', default: '10s' },
    ...FILTER_FLAGS,
    GREP_FLAG,
    LEVEL_FLAG,
    ...PRINT_FLAGS,
  ],
  help: EXAMPLES,
  run,
}

async function run([path = '', ...operands]: readonly string[], given: Flags): Promise<void> {
  const { from, ...rest } = given
  const { targets, ...query } = splitOperands(operands)
  const flags: Flags = { ...rest, ...query, ...(from !== undefined && { since: from }) }
  const question = readQuestion(flags, targets)
  const pace = {
    speed: parseSpeed(String(given.speed)),
    maxPauseMs: Number(parseDuration(String(given.maxPause)) / 1_000_000n),
  }
  await onBundle(path, async () => {
    const output = await openOutput(flags, question, true)
    const client = new Client(clientConfig({}))
    const params = new URLSearchParams(question.params)
    params.set('timestamps', 'true')
    const response = await ask(client, 'text', params)
    const textOf = ({ time, text }: TimedLine) => (question.hasTime ? Buffer.concat([time, text]) : text)
    await replay(timedLines(client.body(response)), pace, async (lines) => {
      for (const line of lines) await output.printer.print(line.source, textOf(line))
    })
    await output.close()
    return 0
  })
}
