>> {"jsonrpc":"2.0","id":"three","method":"web3_clientVersion","params":[ ]}
<< {"jsonrpc":"2.0","id":"three","result":"anvil/v1.7.1"}
