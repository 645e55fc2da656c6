import { appendFile, writeFile } from 'node:fs/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { Source } from '../../shared/record.ts'
import { stampOf } from '../agent/fake-engine.ts'
import { type Recorded, Recorder } from '../agent/recorder.ts'
import { type Engine, startEngine } from '../lab/engine.ts'
import { eventually } from '../lab/program.ts'

/*
 * The known failures of following Docker's logs, and where each is proved:
 * L1 to L5 (equal, disordered, stepping times), L7 and L8 (rotation), L14 (damage), L15 to L17 (drivers), L18 and L19 (removal): here
 * L6, L10, L11, L12, L20, L21: follow.test.ts (rotation all the time, long lines, TTY, restarts, kill -9 of dockerd)
 * L9: agent/pipeline.test.ts (reads only as fast as it is pulled), agent/main.test.ts (spools while the server is away)
 * L13: agent/frames.test.ts (torn and tiny frames), agent/pipeline.test.ts (error frames, on the scripted engine)
 * L22: agent/pipeline.test.ts (what was started while the engine was away), L23: e2e/swarm.test.ts (200 tasks), tail/slots.ts
 * L24: follow.test.ts (another agent without state comes to the same identities), agent/main.test.ts (a spool that is set aside)
 * L26: agent/pipeline.test.ts, agent/json-frames.test.ts (logs as JSON, by the API that is known, on the scripted engine)
 * L25: e2e/swarm.test.ts (tasks that move, services that are updated)
 */

const HOUR = 3_600_000_000_000n
const NULS = Buffer.alloc(300)

/** Time of a line, nanoseconds since 1970. */
const timeOf = ({ seconds, nanos }: Recorded) => BigInt(seconds) * 1_000_000_000n + BigInt(nanos)

/** Prints `name FROM` to `name TO`, which is not printed. */
const count = (name: string, from: number | string, to: number | string) =>
  `i=${from}; while [ $i -lt ${to} ]; do echo "${name} $i"; i=$((i + 1)); done`

/** Waits until a file is made in the container. */
const waitFor = (file: string) => `until [ -e /${file} ]; do usleep 10000; done`

const numbers = (name: string, from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => `${name} ${from + i}`)

/** Holds up the whole process, as SIGSTOP would. */
const stopThisProcess = (ms: number) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)

describe.each(['20', '26'] as const)('logs of engine %s', (version) => {
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

  const record = async (before?: Recorder, options: ConstructorParameters<typeof Recorder>[1] = {}) => {
    const recorder = new Recorder(engine.host, options, before)
    recorders.push(recorder)
    await recorder.until(() => recorder.status.engine === 'reachable')
    return recorder
  }
  const run = (name: string, command: string, ...options: string[]) =>
    engine.docker([
      ...['run', '-d', '--network', 'none', '--stop-timeout', '0', '--name', name, ...options],
      ...['lab/busybox:1', 'sh', '-c', command],
    ])
  const logFile = async (name: string) => (await engine.docker(['inspect', '-f', '{{.LogPath}}', name])).trim()
  /** Adds lines to the log of a stopped container, as if the clock had been so. */
  const write = async (name: string, lines: readonly (readonly [message: string, time: bigint, source?: Source])[]) => {
    const entries = lines.map(([message, time, stream = 'stdout']) => {
      const stamp = stampOf(Number(time / 1_000_000_000n), Number(time % 1_000_000_000n))
      return `${JSON.stringify({ log: `${message}\n`, stream, time: stamp })}\n`
    })
    await appendFile(await logFile(name), entries.join(''))
  }
  /** Runs a container to its end, and reads it; the recorder has stopped. */
  const finished = async (name: string, lines: number, ...options: string[]) => {
    const recorder = await record()
    await run(name, count(name, 0, lines), ...options)
    await recorder.until(() => recorder.lines.length >= lines && recorder.status.following === 0)
    await recorder.stop()
    return recorder
  }
  const gapsOf = (recorder: Recorder) => recorder.gaps.map(({ reason, from, to }) => ({ reason, from, to }))
  const lastTime = ({ lines }: Recorder) => timeOf(lines.at(-1) as Recorded)

  it.each([
    ['L1: has the time of the last line', (last: bigint) => [last, last, last]],
    ['L2: was written behind a later one', (last: bigint) => [last - 1000n, last + 5n, last - 7n]],
    [
      'L3: was written after the clock was set back by an hour',
      (last: bigint) => [last - HOUR, last - HOUR + 1n, last - HOUR + 2n],
    ],
    [
      'L5: was written after the clock was right again',
      (last: bigint) => [last + HOUR, last + HOUR + 1n, last + 1000n],
    ],
  ])('takes a line that %s, once', async (_, times) => {
    const first = await finished('clock', 20)
    const lines = times(lastTime(first)).map((time, i) => [`step ${i}`, time] as const)
    await write('clock', lines)
    const second = await record(first)
    await second.until(() => second.status.following === 0 && second.lines.length >= 3)
    expect(second.messages).toEqual(['step 0', 'step 1', 'step 2'])
    expect(second.gaps).toEqual([])
  })

  it('L4: tells a gap of the clock when it was set back and the last line is rotated away', async () => {
    const first = await finished('stepped', 20)
    const last = lastTime(first)
    await writeFile(await logFile('stepped'), '')
    await write(
      'stepped',
      numbers('step', 0, 5).map((text, i) => [text, last - HOUR + BigInt(i)] as const),
    )
    const second = await record(first)
    await second.until(() => second.status.following === 0 && second.lines.length >= 5)
    expect(second.messages).toEqual(numbers('step', 0, 5))
    expect(gapsOf(second)).toEqual([{ reason: 'clock', from: last - HOUR, to: last }])
  })

  it('L8: tells what a rotation took away while no agent ran, and takes the rest', async () => {
    const options = ['--log-opt', 'max-size=10k', '--log-opt', 'max-file=1']
    const first = await record()
    await run('rotated', `${count('rotated', 0, 20)}; sleep 1; ${count('rotated', 20, 520)}`, ...options)
    await first.until(() => first.lines.length === 20)
    await first.stop()
    await engine.docker(['wait', 'rotated'])
    const second = await record(first)
    await second.until(() => second.messages.includes('rotated 519') && second.status.following === 0)
    const [oldest] = second.lines as [Recorded]
    const at = Number(oldest.message.split(' ')[1])
    expect(at).toBeGreaterThan(20)
    expect(second.messages).toEqual(numbers('rotated', at, 520))
    expect(gapsOf(second)).toEqual([{ reason: 'rotated', from: lastTime(first), to: timeOf(oldest) }])
  })

  it('L14: reads on behind bytes that a power cut left in the log, and tells the gap', async () => {
    const first = await finished('torn', 50)
    await appendFile(await logFile('torn'), NULS)
    const last = lastTime(first)
    await write(
      'torn',
      [...numbers('lost', 0, 1), ...numbers('torn', 50, 80)].map((text, i) => [text, last + BigInt(i + 1)] as const),
    )
    const second = await record(first)
    await second.until(() => second.status.following === 0 && second.lines.length >= 30)
    // Engine 20 may show some of them before the damage is found.
    expect([...new Set(second.messages)].sort()).toEqual(numbers('torn', 50, 80))
    expect(gapsOf(second)).toEqual([{ reason: 'damaged', from: last, to: last + 2n }])
    expect(second.gaps[0]?.atLeast).toBe(1)
  })

  it('L14: goes on following a container behind damage, over a restart of the agent too', async () => {
    const script = `n=$(cat /n 2>/dev/null || echo 0); echo $((n + 10)) >/n; ${count('alive', '$n', '$((n + 10))')}; ${waitFor('go')}; ${count('alive', 30, 1000)}; sleep 60`
    const first = await record()
    await run('alive', script)
    await first.until(() => first.lines.length === 10)
    await engine.docker(['kill', 'alive'])
    await first.until(() => first.status.following === 0)
    await appendFile(await logFile('alive'), NULS)
    await engine.docker(['start', 'alive'])
    await first.until(() => first.messages.includes('alive 19'))
    await first.stop()
    const [before, behind] = [first.lines[9], first.lines[10]] as [Recorded, Recorded]
    const gap = { reason: 'damaged', from: timeOf(before), to: timeOf(behind) }
    // Engine 20 may pass over the damage alone, and lose nothing.
    const isWhole = first.messages.includes('alive 10')
    expect([...new Set(first.messages)]).toEqual([
      ...numbers('alive', 0, 10),
      ...numbers('alive', isWhole ? 10 : 11, 20),
    ])
    expect(gapsOf(first)).toEqual(isWhole ? [] : [gap])
    await engine.docker(['kill', 'alive'])
    await engine.docker(['start', 'alive'])
    const second = await record(first)
    await second.until(() => second.messages.includes('alive 29'))
    await engine.docker(['exec', 'alive', 'touch', '/go'])
    await second.until(() => second.messages.includes('alive 999'))
    const behindDamage = new Set([...first.messages, ...second.messages].slice(10))
    expect([...behindDamage]).toEqual(numbers('alive', isWhole ? 10 : 11, 1000))
    expect(second.gaps).toEqual([])
  })

  it('L15, L16, L17: tells that a log cannot be read, or that its driver may have lost lines', async () => {
    const recorder = await record()
    await run('none', 'sleep 60', '--log-driver', 'none')
    await run('lossy', 'echo lossy', '--log-opt', 'mode=non-blocking')
    const gelf = ['--log-driver', 'gelf', '--log-opt', 'gelf-address=udp://127.0.0.1:9']
    await run('copied', 'echo copied', ...gelf)
    await run('uncopied', 'echo uncopied', ...gelf, '--log-opt', 'cache-disabled=true')
    const told = () => new Map(recorder.gaps.map(({ stream, ...gap }) => [stream.containerName, gap]))
    await recorder.until(() => told().size === 4 && recorder.lines.length === 2 && recorder.status.following === 0)
    expect(new Map([...told()].map(([name, { reason }]) => [name, reason]))).toEqual(
      new Map([
        ['none', 'unreadable'],
        ['lossy', 'lossy'],
        ['copied', 'lossy'],
        ['uncopied', 'unreadable'],
      ]),
    )
    for (const line of recorder.lines) {
      const gap = told().get(line.stream.containerName)
      expect(gap && gap.from <= timeOf(line) && timeOf(line) <= gap.to).toBe(true)
    }
    const before = recorder.gaps.find(({ stream }) => stream.containerName === 'none')
    await engine.docker(['kill', 'none'])
    const isGrown = () => (told().get('none')?.to ?? 0n) > (before?.to ?? 0n)
    await recorder.until(isGrown)
    expect(told().get('none')?.from).toBe(before?.from)
    expect(recorder.status.gaps).toBeGreaterThan(0)
  })

  it('L19: reads a container that is removed while it prints, to the end of what the engine lets it', async () => {
    const recorder = await record()
    await run('removed', `${count('removed', 0, 1_000_000)}`)
    await recorder.until(() => recorder.lines.length > 100)
    await engine.docker(['rm', '-f', 'removed'])
    await recorder.until(() => recorder.status.following === 0)
    expect(recorder.messages).toEqual(numbers('removed', 0, recorder.lines.length))
    for (const gap of recorder.gaps) expect([gap.reason, gap.from]).toEqual(['removed', lastTime(recorder)])
  })

  it('tells of containers that were removed while no agent ran, unless they were read to their end', async () => {
    const first = await record()
    await run('ended', count('ended', 0, 20))
    await run('cut', `${count('cut', 0, 20)}; ${waitFor('go')}; ${count('cut', 20, 40)}; sleep 100`)
    const hasEnded = () => [...first.checkpoints.values()].some(({ ended }) => ended === true)
    await first.until(() => first.lines.length === 40 && hasEnded())
    const since = BigInt(Date.now()) * 1_000_000n
    await first.stop()
    await engine.docker(['exec', 'cut', 'touch', '/go'])
    await eventually('all lines', 30_000, async () => (await engine.docker(['logs', 'cut'])).includes('cut 39'))
    const before = BigInt(Date.now()) * 1_000_000n
    await engine.docker(['rm', '-f', 'cut', 'ended'])
    await engine.docker(['run', '--rm', '--network', 'none', '--name', 'short', 'lab/busybox:1', 'echo', 'short'])
    const second = await record(first, { since: { upTo: since, hadEvents: false } })
    await second.until(() => second.gaps.length > 1)
    const [cut, short] = second.gaps.toSorted((a, b) => (a.from < b.from ? -1 : 1))
    const last = first.lines.findLast(({ stream }) => stream.containerName === 'cut') as Recorded
    expect(cut).toMatchObject({ reason: 'removed', from: timeOf(last), stream: last.stream })
    expect(cut?.to).toBeGreaterThanOrEqual(before)
    expect(short).toMatchObject({ reason: 'removed', stream: { containerName: 'short' } })
    expect([second.lines, second.gaps.length]).toEqual([[], 2])
  })

  it('L18: tells of a container that is gone before the agent looks', async () => {
    const recorder = await record()
    await recorder.until(() => recorder.status.engine === 'reachable')
    const gone = engine.docker([
      'run',
      '--rm',
      '--network',
      'none',
      '--name',
      'brief',
      'lab/busybox:1',
      'echo',
      'brief',
    ])
    stopThisProcess(4000)
    await gone
    await recorder.until(() => recorder.lines.length + recorder.gaps.length > 0)
    expect(recorder.lines).toEqual([])
    const [gap] = recorder.gaps
    expect(gap).toMatchObject({ reason: 'removed', stream: { containerName: 'brief', service: 'brief' } })
    expect((gap?.to ?? 0n) - (gap?.from ?? 0n)).toBeLessThan(4n * 10n ** 9n)
  })

  it('L7: reads again what rotations hid from it while it was stopped, and tells what they took away', async () => {
    const recorder = await record()
    const options = ['--log-opt', 'max-size=10k', '--log-opt', 'max-file=3']
    await run(
      'busy',
      `${count('busy', 0, 20)}; sleep 1; ${count('busy', 20, 2000)}; sleep 1; echo busy 2000; sleep 60`,
      ...options,
    )
    await recorder.until(() => recorder.lines.length === 20)
    stopThisProcess(3000)
    await recorder.until(() => recorder.messages.includes('busy 2000') && recorder.gaps.length > 0)
    const seen = [...new Set(recorder.messages)].map((text) => Number(text.split(' ')[1])).sort((a, b) => a - b)
    const lost = numbers('busy', 0, 2001).filter((text) => !recorder.messages.includes(text))
    expect(lost.length).toBeGreaterThan(0)
    const times = new Map(recorder.lines.map((line) => [line.message, timeOf(line)]))
    const first = Number(lost[0]?.split(' ')[1])
    const behind = seen.find((n) => n > Number(lost.at(-1)?.split(' ')[1]))
    expect(lost).toEqual(numbers('busy', first, behind ?? 0))
    expect(gapsOf(recorder)).toEqual([
      { reason: 'rotated', from: times.get(`busy ${first - 1}`), to: times.get(`busy ${behind}`) },
    ])
  })
})
