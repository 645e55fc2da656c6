import type { ExaminedContainer, ExaminedEngine } from '../shared/examined.ts'
import { EngineClock } from './report/engine-clock.ts'
import { inspectTarget, listContainers } from './tail/containers.ts'
import { Engine, type EngineAddress } from './tail/engine.ts'
import { isReadable, logFileBytes, logFiles, lossOf, type Target } from './target.ts'

/** So many containers are examined at most, so many of them at a time. */
const MAX_CONTAINERS = 500
const AT_ONCE = 8
/** Of a container whose files are damaged an engine may never tell anything. */
const INSPECT_TIMEOUT_MS = 5_000

/** Looks at an engine and at how its running containers log. Throws SWARMLOGS_DOCKER_UNAVAILABLE when it cannot be asked. */
export async function examine(docker: EngineAddress, signal: AbortSignal): Promise<ExaminedEngine> {
  const engine = new Engine(docker)
  await engine.negotiate(signal)
  const clock = new EngineClock()
  await clock.ask(engine, signal)
  const running = (await listContainers(engine, signal)).filter(({ state }) => state === 'running')
  const containers: ExaminedContainer[] = []
  for (let from = 0; from < Math.min(running.length, MAX_CONTAINERS); from += AT_ONCE) {
    const some = running.slice(from, Math.min(from + AT_ONCE, MAX_CONTAINERS))
    const both = AbortSignal.any([signal, AbortSignal.timeout(INSPECT_TIMEOUT_MS)])
    // One that is gone by now is of no interest.
    const found = await Promise.allSettled(some.map(({ id }) => inspectTarget(engine, id, false, both)))
    containers.push(...found.flatMap((one) => (one.status === 'fulfilled' ? [examined(one.value)] : [])))
  }
  const { host, version: api } = engine
  return { host, api, version: clock.version, aheadMs: clock.aheadMs, running: running.length, containers }
}

function examined(target: Target): ExaminedContainer {
  const { id, name, driver } = target
  const fileBytes = logFileBytes(target)
  return {
    // Of a task's name its own id says nothing to people.
    ...{ id, name: name.replace(/\.[0-9a-z]{25}$/, ''), driver },
    isReadable: isReadable(target),
    loss: lossOf(target),
    ...(fileBytes !== undefined && { keptBytes: fileBytes * logFiles(target) }),
  }
}
