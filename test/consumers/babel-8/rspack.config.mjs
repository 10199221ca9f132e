import onnsight from 'onnsight/rspack'

export default {
  mode: 'production',
  target: 'node',
  devtool: 'source-map',
  entry: './src/main.ts',
  output: { path: `${import.meta.dirname}/dist/rspack`, filename: 'main.cjs' },
  externals: { 'onnxruntime-node': 'commonjs onnxruntime-node' },
  module: {
    rules: [
      {
        test: /\.tsx?$/,
        loader: 'builtin:swc-loader',
        options: { jsc: { target: 'es2022', parser: { syntax: 'typescript', tsx: true } } },
      },
    ],
  },
  plugins: [onnsight()],
}
