"""The administration over HTTP, in the words of OpenAI's: paths, parameters and shapes; nothing is decided here."""
