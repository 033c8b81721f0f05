// `make site` copies the library's file here; its types are those of the package.
export * from "@huggingface/tokenizers";
