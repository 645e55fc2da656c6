import { setTimeout as delay } from 'node:timers/promises'
import { eventually } from '../../lab/program.ts'
import { run } from '../../lab/run.ts'
import type { SwarmFault } from '../rig/swarm-drive.ts'
import type { SwarmScene } from '../rig/swarm-scene.ts'
import type { SwarmStage } from '../rig/swarm-stage.ts'

/** What happens to a node that is neither the manager nor the server's. */
export const nodes: readonly SwarmFault[] = [
  {
    name: 'W1',
    title: 'a node is cut off until the Swarm gives it up, or for 2 minutes, and healed',
    isShort: true,
    async run(scene) {
      const { swarm, isLong } = scene.stage
      await swarm.cut(3)
      await Promise.all([scene.verdict('partial', 3), nodeState(scene.stage, 3, 'down'), delay(isLong ? 120_000 : 0)])
      await swarm.heal(3)
      scene.over()
      await nodeState(scene.stage, 3, 'ready')
      await scene.flow()
    },
  },
  {
    name: 'W2',
    title: "kill -9 of a node's dockerd, and its start",
    // All lines come; but the engine has forgotten its events, and that is told.
    mayLose: true,
    isShort: false,
    async run(scene) {
      const { swarm } = scene.stage
      const id = await scene.stage.nodeId(3)
      scene.killed = 3
      await swarm.kill(3)
      await scene.verdict('partial', id)
      await swarm.start(3)
      scene.over()
      await scene.flow()
    },
  },
  {
    name: 'W3',
    title: 'a node is drained under load, and takes tasks again',
    isShort: true,
    async run(scene) {
      await drain(scene)
      await scene.stage.updateNode(3, '--availability', 'active')
      scene.over()
      await eventually('its next task', 60_000, async () => (await scene.printer.running()).length === 4)
      await scene.flow()
    },
  },
  {
    name: 'W4',
    title: 'a node is drained, leaves, and joins again under a new id, all under load',
    isShort: true,
    async run(scene) {
      await drain(scene)
      await rejoin(scene.stage, 3)
      scene.over()
      await eventually('its next task', 60_000, async () => (await scene.printer.running()).length === 4)
      await scene.flow()
    },
  },
  {
    name: 'W15',
    title: 'a node leaves without a drain, which removes its agent and its tasks, and joins again under a new id',
    isShort: true,
    // What a task said at last is removed with it, and told by the agent that comes after.
    mayLose: true,
    async run(scene) {
      const { stage } = scene
      const before = await stage.nodeId(3)
      // What is printed from now on nobody reads.
      const agent = await stage.swarm.docker(3, ['ps', '--quiet', '--filter', 'name=swarmlogs_agent'])
      await stage.swarm.docker(3, ['pause', agent.trim()])
      await delay(2_000)
      await rejoin(stage, 3, () => scene.verdict('partial', before))
      scene.left = before
      scene.over()
      await eventually('its next task', 60_000, async () => (await scene.printer.running()).length === 4)
      await scene.flow()
    },
  },
  {
    name: 'W5',
    title: 'two hosts of one name; one is cut off and healed',
    isShort: false,
    service: 'later',
    async run(scene) {
      const { stage } = scene
      await rename(stage, 3, 'node2')
      await stage.calm()
      await scene.begin()
      await stage.swarm.cut(3)
      // The other one, of the same name, is not missed.
      await scene.verdict('partial', 3)
      await stage.until('one node of that name to be late', ({ nodes }) => {
        const late = nodes.filter(({ name }) => name === 'node2').map((node) => node.late !== undefined)
        return late.length === 2 && late.includes(true) && late.includes(false)
      })
      await stage.swarm.heal(3)
      scene.over()
      await nodeState(stage, 3, 'ready')
      await scene.flow()
    },
    undo: (stage) => rename(stage, 3, 'node3'),
  },
]

/** Drains the third node; when its agent has said its last word, the answer is complete. */
async function drain(scene: SwarmScene): Promise<void> {
  const { stage } = scene
  const id = await stage.nodeId(3)
  await stage.updateNode(3, '--availability', 'drain')
  await eventually('the end of its task', 60_000, async () => (await scene.printer.running()).length === 3)
  await stage.until(
    'the end of its agent',
    ({ nodes }) => nodes.find((node) => node.id === id)?.agent?.connected === false,
  )
  await scene.verdict('complete')
}

/** Waits until the Swarm says so of a node. */
async function nodeState(stage: SwarmStage, node: number, state: 'ready' | 'down'): Promise<void> {
  const id = await stage.nodeId(node)
  const ask = () => stage.docker(['node', 'inspect', '--format', '{{.Status.State}}', id])
  await eventually(`node ${node} to be ${state}`, 120_000, async () => (await ask()).trim() === state)
}

/** Has a node leave the Swarm, as an operator does, and join it as a new one. */
async function rejoin(stage: SwarmStage, node: number, meanwhile = async () => {}): Promise<void> {
  const { swarm } = stage
  const before = await stage.nodeId(node)
  await swarm.docker(node, ['swarm', 'leave'])
  await eventually('its leave', 60_000, async () => {
    const state = await stage.docker(['node', 'inspect', '--format', '{{.Status.State}}', before])
    return state.trim() === 'down'
  })
  await stage.docker(['node', 'rm', before])
  stage.forgetId(node)
  await meanwhile()
  const token = (await stage.docker(['swarm', 'join-token', '--quiet', 'worker'])).trim()
  const address = swarm.address(stage.manager)
  await swarm.docker(node, [
    ...['swarm', 'join', '--advertise-addr', swarm.address(node), '--token', token, `${address}:2377`],
  ])
}

/** Gives a node's machine another name; it is a new node afterwards. */
async function rename(stage: SwarmStage, node: number, hostname: string): Promise<void> {
  const { swarm } = stage
  await rejoin(stage, node, async () => {
    await swarm.shutDown(node)
    await run('nsenter', ['--target', String(swarm.daemon(node).holder), '--uts', '--', 'hostname', hostname])
    await swarm.start(node)
  })
}
