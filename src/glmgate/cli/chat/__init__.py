"""`glmgate chat`: a client of any OpenAI-compatible service. It knows no engine and no gateway, only HTTP."""
