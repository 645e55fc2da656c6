import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { eventually } from '../../lab/program.ts'
import { attempt } from '../../lab/run.ts'
import type { SwarmFault } from '../rig/swarm-drive.ts'
import type { SwarmScene } from '../rig/swarm-scene.ts'
import type { SwarmStage } from '../rig/swarm-stage.ts'

const OBSERVER = 'swarmlogs-observer'
/** A drained node gets no container into the stack's network. */
const PORT = 'mode=host,target=24224,published=24224'

/** What happens to managers: who is in the Swarm is known by them alone. */
export const managers: readonly SwarmFault[] = [
  {
    name: 'W8',
    title: 'all managers are drained: nobody knows who is there, until an observer is started',
    isShort: false,
    service: 'later',
    async run(scene) {
      const { stage } = scene
      await stage.docker(['service', 'update', '--quiet', '--publish-add', PORT, 'swarmlogs_server'])
      await stage.calm()
      await scene.begin()
      await stage.updateNode(1, '--availability', 'drain')
      await scene.verdict('unknown')
      await startObserver(stage)
      await scene.verdict('complete')
      await stage.swarm.docker(1, ['rm', '--force', OBSERVER])
      await stage.updateNode(1, '--availability', 'active')
      scene.over()
      await scene.flow()
    },
  },
  {
    name: 'W9',
    title: 'the only manager is demoted after another node was promoted, and back',
    isShort: false,
    async run(scene) {
      const { stage } = scene
      await moveManager(stage, 2)
      await observedBy(stage, 2)
      await scene.verdict('complete')
      await moveManager(stage, 1)
      scene.over()
      await observedBy(stage, 1)
      await scene.flow()
    },
  },
  {
    name: 'W10',
    title: 'one of three managers is cut off and healed: the others know',
    isShort: false,
    async run(scene) {
      await withThreeManagers(scene, async () => {
        const { swarm } = scene.stage
        await swarm.cut(1)
        await scene.verdict('partial', 1)
        await observedBy(scene.stage, 2, 3)
        await swarm.heal(1)
        scene.over()
        await scene.flow()
      })
    },
  },
  {
    name: 'W11',
    title: 'two of three managers are cut off, which leaves no quorum, and healed',
    isShort: false,
    async run(scene) {
      await withThreeManagers(scene, async () => {
        const { stage } = scene
        await stage.swarm.cut(1)
        await stage.swarm.cut(2)
        await stage.until('the membership to be unknown', ({ membership }) => membership === 'unknown')
        await scene.verdict('partial')
        await stage.swarm.heal(1)
        await stage.swarm.heal(2)
        scene.over()
        await scene.flow()
      })
    },
  },
]

/** As the README says it. */
async function startObserver({ swarm, sharedKey, serverNode }: SwarmStage): Promise<void> {
  const key = join(swarm.place.dir, 'key')
  writeFileSync(key, sharedKey)
  await swarm.docker(1, [
    ...['run', '-d', '--name', OBSERVER, '--restart', 'unless-stopped', '--user', '0', '--network', 'host'],
    ...['-v', '/var/run/docker.sock:/var/run/docker.sock:ro', '-v', `${key}:/key:ro`],
    ...['swarmlogs:latest', 'observer', '--server', `${swarm.address(serverNode)}:24224`, '--shared-key-file', '/key'],
  ])
}

/** Makes a node the only manager. */
async function moveManager(stage: SwarmStage, node: number): Promise<void> {
  const before = stage.manager
  const [old, next] = [await stage.nodeId(before), await stage.nodeId(node)]
  await stage.docker(['node', 'promote', next])
  await eventually(`node ${node} to be a manager`, 60_000, () => answersAsManager(stage, node))
  stage.manager = node
  await demote(stage, old)
}

/** Managers refuse it now and then while there is no leader, or another change is under way. */
async function demote(stage: SwarmStage, id: string): Promise<void> {
  await eventually('a demotion', 60_000, () => succeeds(stage, stage.manager, ['node', 'demote', id]))
}

function answersAsManager(stage: SwarmStage, node: number): Promise<boolean> {
  return succeeds(stage, node, ['node', 'ls'])
}

async function succeeds({ swarm }: SwarmStage, node: number, args: readonly string[]): Promise<boolean> {
  const { code } = await attempt('docker', ['--host', swarm.host(node), ...args], { timeoutMs: 15_000 })
  return code === 0
}

/** Waits until the server knows who is there from one of these nodes. */
async function observedBy(stage: SwarmStage, ...nodes: number[]): Promise<void> {
  const names = nodes.map((node) => `node${node}`)
  await stage.until(`${names} to tell`, ({ membership, observers }) => {
    return membership === 'known' && observers.some((name) => names.includes(name))
  })
}

async function withThreeManagers(scene: SwarmScene, fault: () => Promise<void>): Promise<void> {
  const { stage } = scene
  const further = [await stage.nodeId(2), await stage.nodeId(3)]
  await stage.docker(['node', 'promote', ...further])
  for (const node of [2, 3]) await eventually('three managers', 60_000, () => answersAsManager(stage, node))
  await observedBy(stage, 2, 3)
  stage.manager = 3
  try {
    await fault()
  } finally {
    for (const node of [1, 2]) await stage.swarm.heal(node)
    await eventually('a quorum', 60_000, () => answersAsManager(stage, 1))
    stage.manager = 1
    for (const id of further) await demote(stage, id)
  }
}
