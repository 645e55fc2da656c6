import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Recorded, Recorder } from '../agent/recorder.ts'
import { type Engine, startEngine } from '../lab/engine.ts'
import { exact, judge, printer } from '../lab/ledger.ts'
import { eventually } from '../lab/program.ts'

/** Runs a shell command in a container; answers its id. */
async function run(engine: Engine, name: string, command: string, options: readonly string[] = []): Promise<string> {
  const args = ['run', '-d', '--network', 'none', '--name', name, ...options, 'lab/busybox:1', 'sh', '-c', command]
  return (await engine.docker(args)).trim()
}

/** Prints the letter so many times, and a newline. */
const wide = (letter: string, count: number) => `head -c ${count} /dev/zero | tr '\\0' ${letter}; echo`

/** Lines by time: those of a first window come before those that lie before it. */
const inOrder = (lines: readonly Recorded[]) => lines.toSorted((a, b) => a.seconds - b.seconds || a.nanos - b.nanos)

const identities = (lines: readonly Recorded[]) =>
  inOrder(lines).map(({ source, seconds, nanos, ordinal }) => [source, seconds, nanos, ordinal])

const SIZES = [16_383, 16_384, 16_385, 49_151, 49_152, 49_153, 1_048_576, 1_048_577, 3_000_000]

describe.each(['20', '26'] as const)('following engine %s', (version) => {
  let engine: Engine
  const recorders: Recorder[] = []
  beforeAll(async () => {
    engine = await startEngine({ version })
  })
  afterEach(async () => {
    for (const recorder of recorders.splice(0)) await recorder.stop()
    const ids = (await engine.docker(['ps', '-aq'])).split('\n').filter(Boolean)
    if (ids.length > 0) await engine.docker(['rm', '-f', ...ids])
  })
  afterAll(() => engine?.stop())

  const record = (before?: Recorder) => {
    const recorder = new Recorder(engine.host, {}, before)
    recorders.push(recorder)
    return recorder
  }

  /** Messages of one container that were handed on so far, as a store has them: what is read again is known by its identity. */
  const messagesOf = (recorder: Recorder, name: string) => {
    const lines = recorder.lines.filter(({ stream }) => stream.containerName === name)
    const stored = lines.map(
      (line) => [`${line.source} ${line.seconds}.${line.nanos} ${line.ordinal}`, line.message] as const,
    )
    return [...new Map(stored).values()]
  }

  describe.each(['json-file', 'local'])('with driver %s', (driver) => {
    it('joins long lines exactly, live and from the log', async () => {
      const command = `${SIZES.map((size) => wide('x', size)).join('; ')}; printf 'no newline'; sleep 0.2; printf ' at the end' >&2`
      const live = record()
      await live.until(() => live.status.engine === 'reachable')
      await run(engine, 'wide', `sleep 0.3; ${command}`, ['--log-driver', driver])
      await live.until(() => live.lines.length === SIZES.length + 2)
      const later = record()
      await later.until(() => later.lines.length === SIZES.length + 2)
      for (const { lines } of [live, later]) {
        const found = inOrder(lines)
          .filter(({ source }) => source === 'stdout')
          .map(({ message, cutFrom }) => cutFrom || message.length)
        expect(found).toEqual([...SIZES, 'no newline'.length])
        expect(lines.find(({ source }) => source === 'stderr')?.message).toBe(' at the end')
      }
      expect(identities(later.lines)).toEqual(identities(live.lines))
    })

    it('follows a log that is rotated all the time', async () => {
      const recorder = record()
      await recorder.until(() => recorder.status.engine === 'reachable')
      const options = ['--log-driver', driver, '--log-opt', 'max-size=20k', '--log-opt', 'max-file=20']
      await run(engine, 'rotated', printer('rotated', 3000, 20), options)
      await recorder.until(() => recorder.lines.some(({ message }) => message.startsWith('rotated stderr 2999')))
      await recorder.until(() => recorder.status.following === 0)
      expect(judge('rotated', 3000, messagesOf(recorder, 'rotated'))).toEqual(exact)
    })

    it('loses nothing and doubles nothing over restarts of container and agent', async () => {
      const first = record()
      await first.until(() => first.status.engine === 'reachable')
      await run(engine, 'again', `${printer('again', 500, 50)}; printf last; sleep 60`, [
        '--log-driver',
        driver,
        '--stop-timeout',
        '0',
      ])
      let recorder = first
      const all = () => recorders.flatMap((one) => messagesOf(one, 'again'))
      for (let round = 1; round <= 4; round++) {
        await recorder.until(() => all().filter((message) => message.startsWith('again stderr 499')).length === round)
        if (round === 2) {
          await recorder.stop()
          recorder = record(recorder)
        }
        await engine.docker(['restart', 'again'])
      }
      await recorder.until(() => all().filter((message) => message.startsWith('again stderr 499')).length === 5)
      await engine.docker(['kill', 'again'])
      await recorder.until(() => all().length === 5 * 1001)
      for (let round = 0; round < 5; round++) expect(all().filter((message) => message === 'last')).toHaveLength(5)
    })
  })

  it('reads a TTY over a restart', async () => {
    const recorder = record()
    await recorder.until(() => recorder.status.engine === 'reachable')
    await run(engine, 'tty', `echo one; ${wide('y', 40_000)}; printf '/ # '`, ['-t'])
    await recorder.until(() => recorder.lines.length === 3)
    await engine.docker(['start', 'tty'])
    await recorder.until(() => recorder.lines.length === 6)
    const once = ['one\r', `${'y'.repeat(40_000)}\r`, '/ # ']
    expect(recorder.messages).toEqual([...once, ...once])
    expect(new Set(recorder.lines.map(({ seconds, nanos, ordinal }) => `${seconds} ${nanos} ${ordinal}`)).size).toBe(6)
    const later = record()
    await later.until(() => later.lines.length === 6)
    expect(identities(later.lines)).toEqual(identities(recorder.lines))
  })

  it('gets every line of containers that live less than a second', async () => {
    const recorder = record()
    await recorder.until(() => recorder.status.engine === 'reachable')
    const names = Array.from({ length: 5 }, (_, i) => `short${i}`)
    for (const name of names) await run(engine, name, printer(name, 200))
    await run(engine, 'removed', printer('removed', 500), ['--rm'])
    await recorder.until(() => recorder.lines.length >= 5 * 400 + 1000)
    for (const name of names) expect(judge(name, 200, messagesOf(recorder, name))).toEqual(exact)
    expect(judge('removed', 500, messagesOf(recorder, 'removed'))).toEqual(exact)
    // Its removal may still be under way, and must not meet that of the clean-up.
    await eventually(
      'the removal',
      10_000,
      async () => (await engine.docker(['ps', '-aq', '-f', 'name=removed'])) === '',
    )
  })

  it('survives kill -9 of dockerd', async () => {
    const recorder = record()
    await recorder.until(() => recorder.status.engine === 'reachable')
    await run(engine, 'killed', `${printer('killed', 2000, 20)}; sleep 60`, ['--stop-timeout', '0'])
    await recorder.until(() => recorder.lines.length > 500)
    await engine.kill()
    await recorder.until(() => recorder.status.engine !== 'reachable')
    await engine.start()
    await run(engine, 'after', printer('after', 100))
    await recorder.until(() => messagesOf(recorder, 'after').length === 200)
    const kept = (await engine.docker(['logs', 'killed'], {})).split('\n').filter(Boolean)
    await recorder.until(
      () => messagesOf(recorder, 'killed').filter((text) => text.includes('stdout')).length >= kept.length,
    )
    const read = messagesOf(recorder, 'killed')
    expect(read.filter((text) => text.includes('stdout'))).toEqual(kept)
  })

  it('knows the attributes of the log driver, and the containers that cannot be read', async () => {
    const recorder = record()
    await run(engine, 'tagged', 'echo hello', [
      '--log-opt',
      'tag=T {{.Name}}',
      '--log-opt',
      'env=FOO',
      '-e',
      'FOO=a,b=c d',
    ])
    await run(engine, 'silent', 'echo hello', ['--log-driver', 'none'])
    await recorder.until(() => recorder.lines.length === 1)
    expect(recorder.lines[0]?.stream).toMatchObject({
      containerName: 'tagged',
      attributes: { FOO: 'a,b=c d', tag: 'T tagged' },
    })
    await recorder.until(() => recorder.status.unreadable.size > 0)
    expect([...recorder.status.unreadable]).toEqual([['silent', 'none']])
  })
})
