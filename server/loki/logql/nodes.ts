import type { SyntaxNode } from '@lezer/common'

/** A node of the parser's tree, with the text that it stands for. */
export class Node {
  readonly #node: SyntaxNode
  readonly #source: string

  constructor(node: SyntaxNode, source: string) {
    this.#node = node
    this.#source = source
  }

  get name(): string {
    return this.#node.name
  }

  get text(): string {
    return this.#source.slice(this.#node.from, this.#node.to)
  }

  get children(): Node[] {
    const found: Node[] = []
    for (let child = this.#node.firstChild; child !== null; child = child.nextSibling)
      found.push(new Node(child, this.#source))
    return found
  }

  /** The first child of one of these names. */
  child(...names: string[]): Node | undefined {
    return this.children.find(({ name }) => names.includes(name))
  }

  /** The first child of one of these names, which the grammar promises. */
  need(...names: string[]): Node {
    const found = this.child(...names)
    if (found === undefined) throw new Error(`BUG: ${this.name} without ${names.join(' or ')}: ${this.text}`)
    return found
  }

  /** All nodes of this name below, in order, but not those within one that was found. */
  all(name: string): Node[] {
    return this.children.flatMap((child) => (child.name === name ? [child] : child.all(name)))
  }
}
