"""The tests mirror `src/glmgate`; being a package, a test can import another folder's fakes by name."""
