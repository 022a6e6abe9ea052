import tseslint from 'typescript-eslint';

/** Clock, randomness, environment and exit live in `common/runtime` and in each `main.ts`. */
const ambient = [
  { object: 'Date', property: 'now', message: 'Take a Clock from common/clock.ts.' },
  { object: 'Math', property: 'random', message: 'Take a Random from common/random.ts.' },
  { object: 'process', property: 'env', message: 'Read the environment in main.ts or common/runtime.' },
  { object: 'process', property: 'exit', message: 'Only main.ts ends the process.' },
];

export default tseslint.config(
  { ignores: ['dist', 'dist.new-*', 'node_modules', '**/*.hbs'] },
  ...tseslint.configs.recommended,
  {
    rules: {
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/no-empty-object-type': 'off',
      eqeqeq: ['error', 'always'],
      'no-console': 'off',
    },
  },
  { files: ['**/*.cjs'], rules: { '@typescript-eslint/no-require-imports': 'off' } },
  {
    files: ['{agent,keeper,sidecar,common,cli,status,todomvc,lab,setup,provision,vagrant}/**/*.ts'],
    ignores: ['common/runtime/**', '**/main.ts'],
    rules: {
      'no-restricted-properties': ['error', ...ambient],
      'no-restricted-globals': [
        'error',
        ...['setTimeout', 'setInterval'].map((name) => ({
          name,
          message: 'Take a Clock from common/clock.ts.',
        })),
      ],
    },
  },
);
