/** The number of examples that are tried for a law: all in `npm run test:long`, and a third of them in `npm test`. */
export const many = (all: number): number => (process.env.ONNSIGHT_MANY ? all : Math.ceil(all / 3))
