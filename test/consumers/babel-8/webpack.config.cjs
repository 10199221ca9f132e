const onnsight = require('onnsight/webpack')

module.exports = {
  mode: 'production',
  target: 'node',
  devtool: 'source-map',
  entry: './src/main.ts',
  output: { path: `${__dirname}/dist/webpack`, filename: 'main.cjs' },
  externals: { 'onnxruntime-node': 'commonjs onnxruntime-node' },
  module: {
    rules: [
      {
        test: /\.tsx?$/,
        loader: 'babel-loader',
        options: {
          configFile: false,
          presets: ['@babel/preset-typescript', ['@babel/preset-react', { runtime: 'classic' }]],
        },
      },
    ],
  },
  plugins: [onnsight()],
}
