"""Services that judge texts: those that have OpenAI's or GLM's moderations, and webhooks of anybody."""
