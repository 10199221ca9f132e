// What a project that uses the macro needs: TypeScript, and the macro itself.
export default {
  presets: ['@babel/preset-typescript'],
  plugins: ['macros'],
}
