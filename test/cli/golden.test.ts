import { describe, expect, it, vi } from 'vitest'
import { runByCommander } from '../../cli/commander.ts'
import { COMMANDS } from '../../cli/commands.ts'
import { runCli } from './scripted.ts'

/** Runs the CLI for each of some arguments, a few at a time, and gives what it said in one text. */
async function transcript(lines: readonly (readonly string[])[]): Promise<string> {
  let text = ''
  for (let from = 0; from < lines.length; from += 4) {
    const some = lines.slice(from, from + 4)
    const outcomes = await Promise.all(some.map((args) => runCli(args, { SWARMLOGS_URL: 'http://127.0.0.1:1' })))
    for (const [i, { code, stdout, stderr }] of outcomes.entries()) {
      text += `$ swarmlogs ${some[i]?.join(' ')}\n${stdout}${stderr}[exit code ${code}]\n\n`
    }
  }
  return text
}

describe('the help', () => {
  it('of all commands is as it was', { timeout: 60_000 }, async () => {
    let text = ''
    const written = vi.spyOn(process.stdout, 'write').mockImplementation((part) => {
      text += part
      return true
    })
    for (const args of [['--help'], ...COMMANDS.map(({ name }) => [name, '--help'])]) {
      text += `$ swarmlogs ${args.join(' ')}\n`
      await runByCommander(args)
      text += '\n'
    }
    written.mockRestore()
    await expect(text).toMatchFileSnapshot('golden/help.txt')
  })

  it.each(COMMANDS.map(({ name, load }) => [name, load] as const))('of %s has three examples', async (_, load) => {
    const { help } = await load()
    expect(help.slice(help.indexOf('Examples:')).match(/^ {2}\S/gm)?.length).toBeGreaterThanOrEqual(3)
  })
})

describe('what goes wrong', () => {
  it('is said as it was, with the exit code', { timeout: 60_000 }, async () => {
    const text = await transcript([
      ['tial'],
      ['tail', '--levle', 'error'],
      ['logs'],
      ['tail', '-n', 'many'],
      ['tail', '-o', 'xml'],
      ['tail', '-o', '{{.Nothing}}'],
      ['tail', '-i', '('],
      ['tail', '--level', 'loud'],
      ['tail', '--timezone', 'Mars'],
      ['tail', '--context', '3'],
      ['tail', '--context', 'x', '-i', 'a'],
      ['tail', '-f', '--reverse'],
      ['search', 'level>=error', '--context', '2'],
      ['tail', 'web', '-n', '1'],
      ['top', '--sort', 'size'],
      ['values'],
      ['stats'],
      ['context', 'c', '--before', 'x'],
      ['open', 'c'],
      ['open'],
      ['complete', 'tcsh'],
      ['plugin', 'start'],
      ['services', '-o', 'csv'],
      ['version', '--profile', 'prod'],
      ['tail', '--direct', '--docker', 'unix:///nonexistent', '-n', '1'],
      ['tail', '--direct', '--docker', 'gopher://x', '-n', '1'],
    ])
    await expect(text).toMatchFileSnapshot('golden/errors.txt')
  })
})
