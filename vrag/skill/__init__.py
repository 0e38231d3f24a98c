"""The skill: files that tell an assistant with a shell how to use vrag, and where its program looks for them."""
