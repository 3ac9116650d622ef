"""Results as Markdown, for terminals and READMEs."""
