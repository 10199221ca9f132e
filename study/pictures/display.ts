/** The method by which notebooks ask for a mime bundle: that of Deno's Jupyter kernel. */
export const display: unique symbol = Symbol.for('Jupyter.display') as never
