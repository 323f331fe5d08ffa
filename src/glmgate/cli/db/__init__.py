"""`glmgate db`: upgrades, backs up, restores, checks and prunes the database."""
