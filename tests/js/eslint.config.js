// Rules for the browser modules below explorer/app/web. Types are checked by TypeScript, see tsconfig.json.

import js from "@eslint/js";
import jsdoc from "eslint-plugin-jsdoc";
import globals from "globals";

export default [
  js.configs.recommended,
  jsdoc.configs["flat/recommended-typescript-flavor-error"],
  {
    files: ["**/*.js"],
    languageOptions: { ecmaVersion: 2022, sourceType: "module", globals: globals.browser },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      "consistent-return": "error",
      curly: ["error", "multi-line"],
      eqeqeq: "error",
      "no-console": "error",
      "no-eval": "error",
      "no-implicit-coercion": "error",
      "no-implied-eval": "error",
      "no-new-func": "error",
      "no-param-reassign": "error",
      "no-shadow": "error",
      "no-var": "error",
      "no-warning-comments": ["error", { terms: ["@ts-ignore", "@ts-expect-error", "@ts-nocheck"], location: "anywhere" }],
      "object-shorthand": "error",
      "prefer-const": "error",
      "prefer-template": "error",
      "jsdoc/reject-any-type": "error",
      "jsdoc/reject-function-type": "error",
      // TypeScript reads the types and requires them; a description is written where the name does not say it.
      "jsdoc/require-jsdoc": "off",
      "jsdoc/require-param-description": "off",
      "jsdoc/require-property-description": "off",
      "jsdoc/require-returns": "off",
      "jsdoc/require-returns-description": "off",
      "jsdoc/require-template-description": "off",
      "jsdoc/tag-lines": "off",
      "jsdoc/valid-types": "off",
    },
    settings: { jsdoc: { mode: "typescript" } },
  },
];
