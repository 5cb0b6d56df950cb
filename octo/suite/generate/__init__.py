"""Generated messages: looking for the smallest one that a flow cannot keep its promises for."""
