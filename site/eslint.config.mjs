import js from "@eslint/js";
import globals from "globals";

export default [
  js.configs.recommended,
  {
    files: ["src/**/*.js"],
    languageOptions: { globals: { ...globals.browser, ...globals.worker } },
    rules: {
      eqeqeq: "error",
      "no-var": "error",
      "prefer-const": "error",
      "max-len": ["error", { code: 110 }],
      "max-lines": ["error", 350],
      "max-lines-per-function": ["error", 60],
    },
  },
  { files: ["src/live.js"], languageOptions: { sourceType: "script" } },
];
