import { eventually } from '../../lab/program.ts'
import type { SwarmFault } from '../rig/swarm-drive.ts'
import type { SwarmStage } from '../rig/swarm-stage.ts'

/** Docker keeps some thousand lines only: what the old store had of the first ones is lost with it. */
// Without the driver's name, Swarm forgets its options.
const ROTATING = ['--log-driver', 'json-file', '--log-opt', 'max-size=20k', '--log-opt', 'max-file=2']

/** What happens to the server and its store. */
export const server: readonly SwarmFault[] = [
  {
    name: 'W6',
    title: "the server's node is cut off, goes on storing, and a second server starts elsewhere; then healed",
    isShort: true,
    async run(scene) {
      const { stage } = scene
      const [old, next] = [stage.serverNode, 3]
      await stage.updateNode(next, '--label-add', 'swarmlogs.store=true')
      const before = await countOn(stage, old)
      await stage.swarm.cut(old)
      stage.serverNode = next
      await stage.until('the second server', () => true)
      await scene.verdict('partial', old)
      await eventually('lines in the old store', 60_000, async () => (await countOn(stage, old)) > before + 500)
      await stage.swarm.heal(old)
      scene.over()
      await stage.updateNode(old, '--label-add', 'swarmlogs.store=false')
      await stage.until('the old node', ({ nodes }) => nodes.every(({ agent }) => agent?.connected))
      await scene.flow()
    },
  },
  {
    name: 'W7',
    title: "the store's volume is removed; of the oldest lines Docker has none any more",
    isShort: true,
    mayLose: true,
    service: { flags: ROTATING },
    async run(scene) {
      const { stage } = scene
      const node = stage.serverNode
      await scene.flow(800)
      await stage.docker(['service', 'scale', '--detach', 'swarmlogs_server=0'])
      const ask = ['ps', '--all', '--quiet', '--filter', 'name=swarmlogs_server']
      await eventually('the end of the server', 60_000, async () => {
        const running = await stage.swarm.docker(node, ['ps', '--quiet', '--filter', 'name=swarmlogs_server'])
        return running === ''
      })
      const ended = (await stage.swarm.docker(node, ask)).split('\n').filter(Boolean)
      await stage.swarm.docker(node, ['rm', ...ended])
      await stage.swarm.docker(node, ['volume', 'rm', 'swarmlogs_data'])
      scene.answers.forget()
      await stage.docker(['service', 'scale', '--detach', 'swarmlogs_server=1'])
      scene.over()
      await scene.flow()
      await eventually('/readyz to say so', 60_000, async () => (await readyz(stage)).includes('the store changed'))
    },
  },
]

/** How many lines the server on a node has, asked from within its network. */
async function countOn(stage: SwarmStage, node: number): Promise<number> {
  const url = `http://${stage.swarm.address(node)}:4280/api/v1/count?since=1d`
  const answer = await stage.swarm.exec(node, [
    ...[
      'curl',
      '--silent',
      '--fail',
      '--max-time',
      '10',
      '--header',
      `authorization: ${stage.headers.authorization}`,
      url,
    ],
  ])
  return (JSON.parse(answer) as { records: number }).records
}

async function readyz(stage: SwarmStage): Promise<string> {
  return (await fetch(`${stage.url}/readyz`)).text()
}
