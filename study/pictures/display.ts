/** The method by which notebooks ask for a mime bundle, as in Deno's Jupyter kernel. */
export const display: unique symbol = Symbol.for('Jupyter.display') as never
