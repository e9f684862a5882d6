/** Real servers for tests: started on free ports of the loopback interface with data of their own, stopped by their pid. */
