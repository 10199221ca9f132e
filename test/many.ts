/** How many examples of a law are tried: all in `npm run test:long`, and a third of them in `npm test`. */
export const many = (all: number): number => (process.env.ONNSIGHT_MANY ? all : Math.ceil(all / 3))
