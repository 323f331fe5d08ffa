"""The endpoints: each reads, asks the gateway and answers. No decision is taken in them."""
